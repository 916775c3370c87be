"""The benchmark: how much the server does per CPU second, beside its peers in the same run."""
