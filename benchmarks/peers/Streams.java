import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The job in Kafka Streams: APP_ID BROKERS TOPIC THREADS CACHE_BYTES STATE_DIR COUNT.
 *
 * Processor API, a persistent key-value store with its changelog, at least once.
 * Timed from the first record until close() has flushed and committed everything.
 */
public final class Streams {
    private static final String STORE = "runs";
    private static final long COMMIT_MS = 5_000;
    private static final AtomicLong SEEN = new AtomicLong();
    private static volatile long firstNs;

    /** Adds each poll to its store's runs. */
    private static final class Track implements Processor<byte[], byte[], Void, Void> {
        private final Runs poll = new Runs();
        private final CountDownLatch done;
        private final long count;
        private KeyValueStore<byte[], byte[]> runs;

        Track(CountDownLatch done, long count) {
            this.done = done;
            this.count = count;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            runs = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<byte[], byte[]> message) {
            if (firstNs == 0) {
                firstNs = System.nanoTime();
            }
            poll.parse(message.value());
            runs.put(message.key(), poll.add(runs.get(message.key())));
            if (SEEN.incrementAndGet() == count) {
                done.countDown();
            }
        }
    }

    private static Properties settings(String[] args) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[0]);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[1]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args[3]);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, args[4]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_MS);
        settings.put("auto.offset.reset", "earliest");
        return settings;
    }

    private static StoreBuilder<KeyValueStore<byte[], byte[]>> store(boolean cached) {
        StoreBuilder<KeyValueStore<byte[], byte[]>> store = Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(STORE), Serdes.ByteArray(), Serdes.ByteArray())
                .withLoggingEnabled(Map.of());
        return cached ? store.withCachingEnabled() : store.withCachingDisabled();
    }

    private static StreamThreadExceptionResponse giveUp(Throwable exc) {
        exc.printStackTrace();
        Runtime.getRuntime().halt(3);
        return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
    }

    public static void main(String[] args) throws InterruptedException {
        long count = Long.parseLong(args[6]);
        CountDownLatch done = new CountDownLatch(1);
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(store(Long.parseLong(args[4]) > 0));
        builder.stream(args[2], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .process(() -> new Track(done, count), STORE);
        KafkaStreams streams = new KafkaStreams(builder.build(), settings(args));
        streams.setUncaughtExceptionHandler(Streams::giveUp);
        streams.start();
        done.await();
        boolean closed = streams.close(Duration.ofMinutes(2));
        double seconds = (System.nanoTime() - firstNs) / 1e9;
        if (!closed) {
            throw new IllegalStateException("not closed in time");
        }
        System.out.printf(
                Locale.ROOT, "RESULT {\"polls\": %d, \"seconds\": %.4f}%n", SEEN.get(), seconds);
    }
}
