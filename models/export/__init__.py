import os

# onnxruntime would send names and hashes of models to its maker. What the user has said of it holds.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
