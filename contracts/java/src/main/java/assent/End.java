package assent;

/**
 * How a request ended.
 *
 * @param status completed, failed, rejected, canceled or expired
 * @param by the account that reported, settled, rejected or closed it; empty if it ended by itself
 * @param message what the applier reported, or the words of who settled, rejected or closed it
 * @param version of the object, which the change made; empty if it was not reported
 * @param at log time, ms
 */
public record End(String request, String status, String by, String message, String version, long seq, long at) {}
