"""How a model is loaded, adapted and run; one module an engine."""
