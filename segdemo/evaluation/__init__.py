"""Scores networks on folders of images and masks: figures, thresholds, tests, worst cases."""
