from spinetk.training.config import AugmentationConfig

STILL = AugmentationConfig(
    p_class_contrast=0, p_remap=0, p_invert=0, gamma=(1, 1), contrast=(1, 1), brightness=(0, 0),
    p_bias_field=0, p_blur=0, p_low_resolution=0, p_noise=0, p_window=0, p_implant=0,
    p_body_width=0, p_thick_rows=0,
)  # fmt: skip
