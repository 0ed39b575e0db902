"""An HTTP API: templated requests, and what their answers mean."""
