"""Models that look at images [batch, height, width, channels].

Read next: `models/vision/mlp.py`.
"""
