package assent;

/**
 * No decision came in time. The command was sent and waits, or was never sent: keep the bytes of {@link #command}, and
 * send them again with {@link Publisher#resend} to ask again.
 */
public final class NotDecidedException extends AssentException {
    private static final long serialVersionUID = 1;

    private final transient Command command;

    NotDecidedException(Command command, Throwable cause) {
        super("no decision on command " + command.id() + " yet: send the same bytes again", cause);
        this.command = command;
    }

    public Command command() {
        return command;
    }
}
