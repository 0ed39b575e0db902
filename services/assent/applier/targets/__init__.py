"""The kinds of targets that the applier can change. Each is a handler of
`assent_contracts.client.handler`.
"""
