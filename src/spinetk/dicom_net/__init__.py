"""The network of a hospital: DICOMweb, C-STORE out, a node that takes studies in."""
