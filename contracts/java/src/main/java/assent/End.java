package assent;

/**
 * How a request ended.
 *
 * @param status completed, failed, rejected, canceled or expired
 * @param by the account that reported, rejected or closed it; empty if it ended by itself
 * @param message what the applier reported, or the reason for closing it
 * @param at log time, ms
 */
public record End(String request, String status, String by, String message, long seq, long at) {}
