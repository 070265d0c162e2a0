"""Forms in which a network runs: eager, deploy, compile and onnx."""
