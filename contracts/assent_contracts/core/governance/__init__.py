"""Who may do what: the state that the governance ledger adds up to, and the rules that change it."""
