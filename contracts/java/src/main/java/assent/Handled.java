package assent;

/**
 * One record of assent.changes, or one change in hand, and what became of it.
 *
 * @param detail for people
 * @param request empty if it could not be read
 * @param partition of assent.changes; -1 for a change in hand
 * @param offset -1 for a change in hand
 */
public record Handled(Result result, String detail, String request, String resource, int partition, long offset) {
    static Handled inHand(Change change, Result result, String detail) {
        return new Handled(result, detail, change.request(), change.resource(), -1, -1);
    }
}
