package assent;

/**
 * What is reported of a change.
 *
 * @param result SUCCEEDED, FAILED or UNKNOWN
 * @param message for people; it is on the ledger for good
 * @param version of the object, which the change made; empty if it is not known
 * @param detail what else onHandled is told
 */
record Outcome(Result result, String message, String version, String detail) {
    private static final int MESSAGE_MAX_CHARS = 4096;

    /** Makes the message one that the ledger takes: no control characters but line breaks and tabs, not too long. */
    Outcome {
        message = printable(message == null ? "" : message);
    }

    static Outcome unchanged(String why) {
        return new Outcome(Result.FAILED, "Nothing was changed: " + why, "", "");
    }

    static Outcome unknown(String why) {
        return new Outcome(Result.UNKNOWN, why, "", "");
    }

    /** What a handler returned; null means the same as {@code new Applied()}. */
    static Outcome succeeded(Applied applied) {
        if (applied == null) {
            return new Outcome(Result.SUCCEEDED, "", "", "");
        }
        String message = applied.message() == null ? "" : applied.message();
        String version = applied.version() == null ? "" : applied.version();
        if (version.isEmpty() || DetailsReader.isIdentifier(version, DetailsReader.VERSION_MAX_CHARS)) {
            return new Outcome(Result.SUCCEEDED, message, version, "");
        }
        String why = "The version that it made is not reported, because it is not 1 to "
                + DetailsReader.VERSION_MAX_CHARS + " printable ASCII characters without spaces.";
        return new Outcome(Result.SUCCEEDED, (message + " " + why).strip(), "", "");
    }

    /** The outcome that a report in the journal states. Throws IllegalStateException if it states none. */
    static Outcome ofReport(byte[] report) {
        try {
            JsonObject members = JsonObject.read(report);
            Result result = Result.ofOutcome(members.textOr("outcome"));
            if (result != null) {
                return new Outcome(result, members.textOr("message"), members.textOr("version"), "");
            }
        } catch (NotJsonException unreadable) {
            // Stated below, as for a report without an outcome.
        }
        throw new IllegalStateException("the report in the journal cannot be read");
    }

    /** The number of the claim that a report names, or `other` if it names none. */
    static long claimOf(byte[] report, long other) {
        try {
            Long claim = JsonObject.read(report).integer("claim");
            return claim == null ? other : claim;
        } catch (NotJsonException unreadable) {
            throw new IllegalStateException("the report in the journal cannot be read", unreadable);
        }
    }

    /** What onHandled is told of it. */
    String forPeople() {
        return detail.isEmpty() ? message : message + " " + detail;
    }

    private static String printable(String message) {
        StringBuilder clean = new StringBuilder();
        message.codePoints().limit(MESSAGE_MAX_CHARS + 1L).forEach(point -> {
            boolean isBlank = point == '\n' || point == '\r' || point == '\t';
            if (Character.getType(point) == Character.SURROGATE) {
                clean.append('\ufffd');
            } else if (Character.isISOControl(point) && !isBlank) {
                clean.append(' ');
            } else {
                clean.appendCodePoint(point);
            }
        });
        if (clean.codePointCount(0, clean.length()) <= MESSAGE_MAX_CHARS) {
            return clean.toString();
        }
        return clean.substring(0, clean.offsetByCodePoints(0, MESSAGE_MAX_CHARS - 1)) + "…";
    }
}
