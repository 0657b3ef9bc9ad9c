"""The real command lines of agents in the real sandbox, against a scripted model. `make test-agents` runs them."""
