"""Every command in every status, from every account, in the words of `test_status_by_command`."""

from typing import Final

TABLE: Final = {
    "submits": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
needs approval, has 0:  locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
needs approval, has 1:  locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
approved:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
released:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
applying:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
outcome unknown:        locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
completed:              yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
failed:                 yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
rejected:               yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
canceled:               yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
expired:                yes     yes     no-role no-role no-role no-role no-role yes      no-role no-role
overdue approval:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue approved:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue released:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
overdue applying:       locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
rejected by one:        locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
approval lost:          locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
reopened:               locked  locked  no-role no-role no-role no-role no-role locked   no-role no-role
policy deleted:         no-pol  no-pol  no-role no-role no-role no-role no-role no-pol   no-role no-role
    """,
    "approves": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     yes     yes     yes     outside outside outside  outside outside
needs approval, has 1:  own     own     done    done    quorum  outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
rejected by one:        own     own     done    done    yes     outside outside outside  outside outside
approval lost:          own     own     done    done    outside again   again   outside  outside outside
reopened:               own     own     done    done    outside quorum  quorum  outside  outside outside
policy deleted:         own     own     no-pol  no-pol  no-pol  outside outside outside  outside outside
    """,
    "approves other bytes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     other   other   other   outside outside outside  outside outside
needs approval, has 1:  own     own     other   other   other   outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
rejected by one:        own     own     done    done    other   outside outside outside  outside outside
approval lost:          own     own     other   other   outside other   other   outside  outside outside
reopened:               own     own     other   other   outside other   other   outside  outside outside
policy deleted:         own     own     other   other   other   outside outside outside  outside outside
    """,
    "rejects": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  own     own     yes     yes     yes     outside outside outside  outside outside
needs approval, has 1:  own     own     done    done    yes     outside outside outside  outside outside
approved:               own     own     closed  closed  closed  outside outside outside  outside outside
released:               own     own     closed  closed  closed  outside outside outside  outside outside
applying:               own     own     closed  closed  closed  outside outside outside  outside outside
outcome unknown:        own     own     closed  closed  closed  outside outside outside  outside outside
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue approved:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue released:       own     own     closed  closed  closed  outside outside outside  outside outside
overdue applying:       own     own     closed  closed  closed  outside outside outside  outside outside
rejected by one:        own     own     done    done    yes     outside outside outside  outside outside
approval lost:          own     own     done    done    outside lost-no lost-no outside  outside outside
reopened:               own     own     done    done    outside yes     yes     outside  outside outside
policy deleted:         own     own     done    done    yes     outside outside outside  outside outside
    """,
    "revokes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  outside outside outside outside outside outside outside outside  outside outside
needs approval, has 1:  outside outside yes     yes     outside outside outside outside  outside outside
approved:               outside outside yes     yes     yes     outside outside outside  outside outside
released:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
applying:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
outcome unknown:        closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       outside outside closed  closed  outside outside outside outside  outside outside
overdue approved:       outside outside closed  closed  closed  outside outside outside  outside outside
overdue released:       closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue applying:       closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected by one:        outside outside outside outside outside outside outside outside  outside outside
approval lost:          outside outside yes     yes     yes     outside outside outside  outside outside
reopened:               outside outside yes     yes     outside outside outside outside  outside outside
policy deleted:         outside outside yes     yes     outside outside outside outside  outside outside
    """,
    "cancels": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
needs approval, has 1:  yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approved:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
released:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
applying:               closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
outcome unknown:        closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue approved:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue released:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue applying:       closed  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
rejected by one:        yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approval lost:          lost-c  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
reopened:               yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
policy deleted:         yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
    """,
    "closes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
needs approval, has 1:  no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
approved:               no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
released:               no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
applying:               no-role no-role no-role no-role applied applied no-role no-role  no-role no-role
outcome unknown:        no-role no-role no-role no-role applied applied no-role no-role  no-role no-role
completed:              closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
failed:                 closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
rejected:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
canceled:               closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
expired:                closed  closed  closed  closed  closed  closed  closed  closed   closed  closed
overdue approval:       no-role no-role no-role no-role closed  closed  no-role no-role  no-role no-role
overdue approved:       no-role no-role no-role no-role closed  closed  no-role no-role  no-role no-role
overdue released:       no-role no-role no-role no-role closed  closed  no-role no-role  no-role no-role
overdue applying:       no-role no-role no-role no-role applied applied no-role no-role  no-role no-role
rejected by one:        no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
approval lost:          no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
reopened:               no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
policy deleted:         no-role no-role no-role no-role yes     yes     no-role no-role  no-role no-role
    """,
    "completes": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
needs approval, has 1:  unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approved:               yes     notmine notmine notmine notmine notmine notmine notmine  notmine notmine
released:               done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
applying:               done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
outcome unknown:        done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
completed:              unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
failed:                 unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
rejected:               unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
canceled:               unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
expired:                unappr  unappr  unappr  unappr  unappr  unappr  unappr  unappr   unappr  unappr
overdue approval:       unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue approved:       unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue released:       done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
overdue applying:       done    notmine notmine notmine notmine notmine notmine notmine  notmine notmine
rejected by one:        unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
approval lost:          reopen  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
reopened:               unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
policy deleted:         unappr  notmine notmine notmine notmine notmine notmine notmine  notmine notmine
    """,
    "claims": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
needs approval, has 1:  no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
approved:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
released:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  yes     yes
applying:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
outcome unknown:        no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
completed:              no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
failed:                 no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
rejected:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
canceled:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
expired:                no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue approval:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue approved:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue released:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
overdue applying:       no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  done    done
rejected by one:        no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
approval lost:          no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
reopened:               no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
policy deleted:         no-appl no-appl no-appl no-appl no-appl no-appl no-appl no-appl  unrel   unrel
    """,
    "reports success": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
needs approval, has 1:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approved:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
released:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
applying:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
outcome unknown:        unclaim unclaim unclaim unclaim yes     yes     unclaim unclaim  yes     unclaim
completed:              unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
failed:                 unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
rejected:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
canceled:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
expired:                unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approval:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approved:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue released:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue applying:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
rejected by one:        unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approval lost:          unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
reopened:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
policy deleted:         unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
    """,
    "reports unknown": """
                        alice   alice2  bob     bob2    carol   dave    mallory upstream applier applier2
none:                   no-such no-such no-such no-such no-such no-such no-such no-such  no-such no-such
needs approval, has 0:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
needs approval, has 1:  unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approved:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
released:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
applying:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
outcome unknown:        unclaim unclaim unclaim unclaim done    done    unclaim unclaim  done    unclaim
completed:              unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
failed:                 unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
rejected:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
canceled:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
expired:                unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approval:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue approved:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue released:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
overdue applying:       unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  yes     unclaim
rejected by one:        unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
approval lost:          unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
reopened:               unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
policy deleted:         unclaim unclaim unclaim unclaim unclaim unclaim unclaim unclaim  unclaim unclaim
    """,
}
TABLE["reports failure"] = TABLE["reports success"]
