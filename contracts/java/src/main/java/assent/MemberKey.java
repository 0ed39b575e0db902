package assent;

/**
 * All that a set fixes of one of its members: what its payload lists, and what all members share.
 *
 * @param base empty if there is none
 * @param onBehalfOf empty if there is none
 * @param emergency null states nothing
 */
record MemberKey(
        String resource, String operation, String digest, String base, String requester, String onBehalfOf,
        String justification, Boolean emergency, Long notBefore, Long notAfter) {
    /** The key of a member's own submission. Its set lists exactly this change, or another one. */
    static MemberKey of(Submitted member) {
        return listed(member, member.resource(), member.operation(), member.digest(), member.details().base());
    }

    /** The key of an entry of a set's payload. */
    static MemberKey listed(Submitted by, String resource, String operation, String digest, String base) {
        Details details = by.details();
        return new MemberKey(
                resource, operation, digest, base, by.principal(), by.onBehalfOf(), by.justification(),
                details.emergency(), details.notBefore(), details.notAfter());
    }
}
