from assent_contracts.refusals import WHAT_TO_DO, RefusalCode

IN_THE_PRODUCT = """
malformed unknown-version too-large bad-signature unknown-key not-permitted misrouted stale id-reused
resource-locked no-policy policy-unsatisfiable policy-invalid justification-required unknown-request
not-pending not-approved not-released not-claimed own-request not-an-approver already-decided
not-requester not-an-applier digest-mismatch approval-required outdated unknown-object id-taken already-so
too-few-administrators too-much-vanishes quota-exceeded own-signature-required in-use of-directory
wrong-kind last-writer on-behalf-of-required on-behalf-of-invalid requester-not-permitted being-applied
too-many-commands claim-superseded lease-ended lease-limit settlement-required field-required
operator-unknown operator-involved stale-base not-yet window-over known-finding unknown-finding
set-invalid set-incomplete part-of-set
"""


def test_codes_are_those_of_the_product_in_its_order() -> None:
    assert [code.value for code in RefusalCode] == IN_THE_PRODUCT.split()


def test_every_code_has_a_sentence_that_tells_its_sender_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(RefusalCode)
    for sentence in WHAT_TO_DO.values():
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) <= 150
    assert len(set(WHAT_TO_DO.values())) == len(WHAT_TO_DO)
