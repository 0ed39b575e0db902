package assent;

import java.util.Optional;

/** Finds out what the target shows of a change that may have been made before a crash. It changes nothing. */
@FunctionalInterface
public interface ReadBack {
    /**
     * Returns what was applied, or nothing if the change was not made: then it is made. Throws
     * {@link UnknownOutcomeException}, or any other exception, if the target does not answer that.
     */
    Optional<Applied> read(Release release) throws Exception;
}
