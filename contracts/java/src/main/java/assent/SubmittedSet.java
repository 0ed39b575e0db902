package assent;

import java.util.Map;

/**
 * A set that the ledger has, with all its members.
 *
 * @param request of the set: {@link Publisher#waitApplied} and {@link Publisher#follow} wait until all its members have
 *     ended
 * @param members the request of each member by its object, for the outcome of each
 */
public record SubmittedSet(String request, Map<String, String> members) {}
