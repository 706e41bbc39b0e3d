import java.nio.charset.StandardCharsets;

/** A poll read from its JSON, and a store's runs as bytes: first 8, last 8, status 1. */
final class Runs {
    private static final long HOUR_MS = 3_600_000L;
    private static final long DAY_MS = 24 * HOUR_MS;
    private static final long KEPT_MS = 7 * DAY_MS;
    private static final int WIDTH = 17;
    private static final int LAST = 8;
    private static final int STATUS = 16;

    private long timeMs;
    private boolean active;

    /**
     * Read a flat object of strings without escapes, fields in any order.
     *
     * By hand, since a JSON library would only be slower.
     */
    void parse(byte[] json) {
        boolean timed = false;
        boolean told = false;
        for (int at = find(json, 0); at < json.length; at = find(json, at + 1)) {
            int key = at + 1;
            int keyEnd = find(json, key);
            int value = find(json, keyEnd + 1) + 1;
            at = find(json, value);
            if (at >= json.length) {
                throw refused(json);
            }
            if (is(json, key, keyEnd, "timestamp_utc")) {
                timeMs = time(json, value);
                timed = true;
            } else if (is(json, key, keyEnd, "status")) {
                active = json[value] == 'a';
                told = true;
            }
        }
        if (!timed || !told) {
            throw refused(json);
        }
    }

    /** The store's runs after the poll; a new array, as a cache may hold the old. */
    byte[] add(byte[] runs) {
        int size = runs == null ? 0 : runs.length;
        boolean same = size > 0
                && (runs[size - WIDTH + STATUS] == 1) == active
                && timeMs - read(runs, size - WIDTH + LAST) <= HOUR_MS;
        int from = 0;
        while (from < size && read(runs, from + LAST) < timeMs - KEPT_MS) {
            from += WIDTH;
        }
        int kept = size - from;
        byte[] next = new byte[same ? kept : kept + WIDTH];
        if (kept > 0) {
            System.arraycopy(runs, from, next, 0, kept);
        }
        int run = next.length - WIDTH;
        if (!same) {
            write(next, run, timeMs);
            next[run + STATUS] = (byte) (active ? 1 : 0);
        }
        write(next, run + LAST, timeMs);
        return next;
    }

    private static IllegalArgumentException refused(byte[] json) {
        return new IllegalArgumentException(new String(json, StandardCharsets.UTF_8));
    }

    /** Position of the next quote, or the length. */
    private static int find(byte[] json, int at) {
        while (at < json.length && json[at] != '"') {
            at++;
        }
        return at;
    }

    private static boolean is(byte[] json, int from, int to, String name) {
        if (to - from != name.length()) {
            return false;
        }
        for (int i = from; i < to; i++) {
            if (json[i] != name.charAt(i - from)) {
                return false;
            }
        }
        return true;
    }

    /** "2023-01-25 12:09:39.388884 UTC" as milliseconds since 1970. */
    private static long time(byte[] json, int at) {
        return days(number(json, at, 4), number(json, at + 5, 2), number(json, at + 8, 2)) * DAY_MS
                + number(json, at + 11, 2) * HOUR_MS
                + number(json, at + 14, 2) * 60_000L
                + number(json, at + 17, 2) * 1_000L
                + number(json, at + 20, 3);
    }

    private static int number(byte[] json, int at, int digits) {
        int found = 0;
        for (int i = at; i < at + digits; i++) {
            found = found * 10 + json[i] - '0';
        }
        return found;
    }

    /** Days since 1970-01-01; years begin in March, so that a leap day comes last. */
    private static long days(int year, int month, int day) {
        int y = month <= 2 ? year - 1 : year;
        int ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return y * 365L + y / 4 - y / 100 + y / 400 + ofYear - 719_468;
    }

    private static long read(byte[] bytes, int at) {
        long found = 0;
        for (int i = at; i < at + 8; i++) {
            found = found << 8 | (bytes[i] & 255);
        }
        return found;
    }

    private static void write(byte[] bytes, int at, long value) {
        for (int i = at + 7; i >= at; i--) {
            bytes[i] = (byte) value;
            value >>>= 8;
        }
    }
}
