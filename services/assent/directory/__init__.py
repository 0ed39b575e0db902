"""An export of the organisation's directory as one difference to what governance says."""
