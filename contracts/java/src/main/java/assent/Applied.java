package assent;

/**
 * A handler's answer: the change is made.
 *
 * @param message for people; the requester sees it
 */
public record Applied(String message) {
    public Applied() {
        this("");
    }
}
