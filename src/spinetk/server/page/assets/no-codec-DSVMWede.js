class o{static fromConfig(){throw new Error("Zarr is not read here")}}export{o as default};
