"""Ready upstreams and gates: events elsewhere become submissions, and callers get the decision back."""
