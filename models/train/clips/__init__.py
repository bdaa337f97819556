"""Trainings on clips: the video UNet, and temporal layers over the image UNet."""
