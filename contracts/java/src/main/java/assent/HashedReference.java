package assent;

/**
 * Something that shows how a change was tested, fixed by its hash.
 *
 * @param what for people, one line
 * @param uri where it is; empty if it is nowhere
 * @param sha256 of its bytes, hex
 */
public record HashedReference(String what, String uri, String sha256) {}
