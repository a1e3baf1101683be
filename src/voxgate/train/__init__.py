"""Make speaker models: data, augmentation, losses, the loop, export, calibration. Needs `train`."""
