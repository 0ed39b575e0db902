package assent;

/**
 * A handler's answer: the change is made.
 *
 * @param message for people; the requester sees it
 * @param version the version of the object that the change made, as the target names it, such as an ETag or a commit: 1 to
 *     256 printable ASCII characters without spaces; empty if there is none
 */
public record Applied(String message, String version) {
    public Applied() {
        this("", "");
    }

    public Applied(String message) {
        this(message, "");
    }
}
