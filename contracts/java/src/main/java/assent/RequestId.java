package assent;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A request's id, {@code <partition>-<seq>}: where the record of its submission is. */
record RequestId(int partition, long seq) {
    private static final Pattern FORM = Pattern.compile("(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,17})");

    /** Null if the text is not one. */
    static RequestId parse(String text) {
        Matcher match = FORM.matcher(text);
        return match.matches() ? new RequestId(Integer.parseInt(match.group(1)), Long.parseLong(match.group(2))) : null;
    }
}
