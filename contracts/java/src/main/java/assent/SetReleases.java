package assent;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The sets that the ledger has released, with what each lists. A set and its members are in different partitions, so the
 * folds of all partitions share it. A decider that releases a member does not read the set's partition: whether the set
 * was released is for readers to check.
 */
final class SetReleases {
    /** By the set's request: its members that have not ended. */
    private final Map<String, Set<MemberKey>> waiting = new HashMap<>();
    /** Members that ended before the release of their set was read. */
    private final Map<String, Set<MemberKey>> ended = new HashMap<>();

    void released(String set, List<MemberKey> members) {
        Set<MemberKey> left = new HashSet<>(members);
        Set<MemberKey> before = ended.remove(set);
        if (before != null) {
            left.removeAll(before);
        }
        if (!left.isEmpty()) {
            waiting.put(set, left);
        }
    }

    /** Forgets a released member that has ended: its set allows each change once. */
    void memberEnded(String set, MemberKey member) {
        Set<MemberKey> left = waiting.get(set);
        if (left == null) {
            ended.computeIfAbsent(set, name -> new HashSet<>()).add(member);
            return;
        }
        left.remove(member);
        if (left.isEmpty()) {
            waiting.remove(set);
        }
    }

    /** Whether the ledger has the release of a set that lists exactly this member. */
    boolean allows(String set, MemberKey member) {
        return waiting.getOrDefault(set, Set.of()).contains(member);
    }
}
