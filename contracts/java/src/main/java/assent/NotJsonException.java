package assent;

/** Bytes are not the JSON value that was expected. */
final class NotJsonException extends Exception {
    private static final long serialVersionUID = 1;

    NotJsonException() {
        // Received records are often not JSON: no stack is filled in for each of them.
        super("not one JSON value", null, false, false);
    }
}
