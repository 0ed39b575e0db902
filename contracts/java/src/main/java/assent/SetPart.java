package assent;

import java.util.List;

/**
 * What a request has to do with a set (R29).
 *
 * @param isSet whether it is one
 * @param members what it lists, if it is one
 * @param partOf the request of its set, if it is a member; else empty
 * @param member what its set must list, if it is a member; else null
 */
record SetPart(boolean isSet, List<MemberKey> members, String partOf, MemberKey member) {
    static final SetPart NONE = new SetPart(false, List.of(), "", null);

    static SetPart of(Submitted submitted) {
        Details details = submitted.details();
        boolean isSet = details.members() > 0;
        return new SetPart(
                isSet, isSet ? SetMembers.of(submitted) : List.of(), details.partOf(),
                details.partOf().isEmpty() ? null : MemberKey.of(submitted));
    }

    boolean isMember() {
        return !partOf.isEmpty();
    }
}
