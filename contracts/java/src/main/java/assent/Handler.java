package assent;

/** Makes a change in the target. */
@FunctionalInterface
public interface Handler {
    /**
     * Makes the change and returns, or throws what is known about the target: {@link RetryableException},
     * {@link FinalException} or {@link UnknownOutcomeException}. Every other exception means the last of these.
     *
     * <p>The thread is interrupted shortly before the lease ends. After a crash the handler may be called again for a
     * change that it has made.
     *
     * @return what to say about it; null means the same as {@code new Applied()}
     */
    Applied apply(Release release) throws Exception;
}
