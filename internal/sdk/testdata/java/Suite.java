import com.microsoft.durabletask.*;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Runs scenarios with Microsoft's SDK for Java against a perdure server that already runs.
 *
 * <p>java Suite ADDRESS prints {@code plan COUNT} and then one line for each: {@code ok NAME SECONDS} or {@code not ok NAME
 * SECONDS}, followed by the reason. The worker of this SDK takes one item after the other.
 */
public final class Suite {
  private static final Duration LIMIT = Duration.ofSeconds(40);
  private static final Map<String, AtomicInteger> attempts = new ConcurrentHashMap<>();

  interface Scenario {
    void run(Context s) throws Exception;
  }

  interface Code {
    Object run(TaskOrchestrationContext ctx);
  }

  interface Activity {
    Object run(TaskActivityContext ctx);
  }

  /** What a scenario is given: a client and a name space of its own. */
  static final class Context {
    final DurableTaskClient client;
    final String prefix;

    Context(DurableTaskClient client, String name) {
      this.client = client;
      this.prefix = name + "-" + UUID.randomUUID().toString().substring(0, 6);
    }

    String start(String orchestration, Object input) {
      String id = prefix + "-" + UUID.randomUUID().toString().substring(0, 8);
      return client.scheduleNewOrchestrationInstance(orchestration, input, id);
    }

    OrchestrationMetadata wait(String id, OrchestrationRuntimeStatus status) throws TimeoutException {
      OrchestrationMetadata m = client.waitForInstanceCompletion(id, LIMIT, true);
      check(m.getRuntimeStatus() == status, id + " ended " + m.getRuntimeStatus() + ": " + m.getFailureDetails().getErrorMessage());
      return m;
    }

    <T> T result(String id, Class<T> type) throws TimeoutException {
      return wait(id, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(type);
    }

    <T> T run(String orchestration, Object input, Class<T> type) throws TimeoutException {
      return result(start(orchestration, input), type);
    }

    void reach(String id, OrchestrationRuntimeStatus status) throws Exception {
      Instant end = Instant.now().plus(LIMIT);
      while (client.getInstanceMetadata(id, false).getRuntimeStatus() != status) {
        check(Instant.now().isBefore(end), id + " does not reach " + status);
        Thread.sleep(20);
      }
    }
  }

  static void check(boolean ok, String text) {
    if (!ok) {
      throw new AssertionError(text);
    }
  }

  static void equal(Object got, Object want) {
    check(Objects.equals(got, want), "it is " + got + ", not " + want);
  }

  static void refused(Status.Code want, Runnable call) {
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      equal(e.getStatus().getCode(), want);
      return;
    }
    throw new AssertionError("accepted, not refused with " + want);
  }

  /** What the worker runs. */
  static void code(Map<String, Code> orchestrations, Map<String, Activity> activities) {
    activities.put("AddOne", ctx -> ctx.getInput(Integer.class) + 1);
    activities.put("Flaky", ctx -> {
      int n = attempts.computeIfAbsent(ctx.getInput(String.class), k -> new AtomicInteger()).incrementAndGet();
      if (n < 3) {
        throw new IllegalStateException("attempt " + n);
      }
      return n;
    });
    activities.put("Slow", ctx -> {
      attempts.computeIfAbsent(ctx.getInput(String.class), k -> new AtomicInteger()).incrementAndGet();
      pause(300);
      return "done";
    });
    orchestrations.put("Chain", ctx -> {
      int n = ctx.getInput(Integer.class);
      for (int i = 0; i < 5; i++) {
        n = ctx.callActivity("AddOne", n, Integer.class).await();
      }
      return n;
    });
    orchestrations.put("FanOut", ctx -> {
      List<Task<Integer>> tasks = new ArrayList<>();
      for (int i = 0; i < ctx.getInput(Integer.class); i++) {
        tasks.add(ctx.callActivity("AddOne", i, Integer.class));
      }
      return ctx.allOf(tasks).await().stream().mapToInt(i -> i).sum();
    });
    orchestrations.put("Events", ctx -> {
      List<String> got = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        got.add(ctx.waitForExternalEvent("Next", String.class).await());
      }
      return String.join(",", got);
    });
    orchestrations.put("Limited", ctx -> {
      try {
        return ctx.waitForExternalEvent("Never", Duration.ofMillis(100), String.class).await();
      } catch (TaskCanceledException e) {
        return "late";
      }
    });
    orchestrations.put("Sleep", ctx -> {
      Instant before = ctx.getCurrentInstant();
      ctx.createTimer(Duration.ofMillis(ctx.getInput(Integer.class))).await();
      return Duration.between(before, ctx.getCurrentInstant()).toMillis();
    });
    orchestrations.put("Tree", ctx -> {
      int depth = ctx.getInput(Integer.class);
      if (depth == 0) {
        return 1;
      }
      Task<Integer> a = ctx.callSubOrchestrator("Tree", depth - 1, Integer.class);
      Task<Integer> b = ctx.callSubOrchestrator("Tree", depth - 1, ctx.getInstanceId() + "-b", Integer.class);
      return a.await() + b.await();
    });
    orchestrations.put("Retry", ctx -> {
      TaskOptions options = new TaskOptions(new RetryPolicy(3, Duration.ofMillis(30)));
      return ctx.callActivity("Flaky", ctx.getInput(String.class), options, Integer.class).await();
    });
    orchestrations.put("Fail", ctx -> {
      ctx.callActivity("Flaky", ctx.getInstanceId(), Integer.class).await();
      return null;
    });
    orchestrations.put("Generations", ctx -> {
      int n = ctx.getInput(Integer.class);
      if (n < 10) {
        ctx.createTimer(Duration.ofMillis(1)).await();
        ctx.continueAsNew(n + 1);
      }
      return n;
    });
    orchestrations.put("Collect", ctx -> {
      List<String> got = new ArrayList<>(List.of(ctx.getInput(String[].class)));
      got.add(ctx.waitForExternalEvent("Item", String.class).await());
      // This SDK carries over all events of its last turn, the one that it took too: a
      // step between them makes it another turn.
      ctx.callActivity("AddOne", 1, Integer.class).await();
      if (got.size() < 5) {
        ctx.continueAsNew(got.toArray(), true);
      }
      return String.join(",", got);
    });
    orchestrations.put("Status", ctx -> {
      ctx.setCustomStatus("here");
      ctx.waitForExternalEvent("On").await();
      ctx.clearCustomStatus();
      return null;
    });
    orchestrations.put("Send", ctx -> {
      ctx.sendEvent(ctx.getInput(String.class), "Next", "from Java");
      return "sent";
    });
    orchestrations.put("Slowly", ctx -> ctx.callActivity("Slow", ctx.getInstanceId(), String.class).await());
    orchestrations.put("Echo", ctx -> ctx.getInput(Object.class));
  }

  static void scenarios(Map<String, Scenario> all, String address) {
    all.put("chain", s -> equal(s.run("Chain", 1, Integer.class), 6));
    all.put("fan_out", s -> equal(s.run("FanOut", 50, Integer.class), 50 * 51 / 2));
    all.put("events_before_and_after_the_wait", s -> {
      String id = s.start("Events", null);
      s.client.raiseEvent(id, "Next", "a");
      s.reach(id, OrchestrationRuntimeStatus.RUNNING);
      s.client.raiseEvent(id, "Next", "b");
      s.client.raiseEvent(id, "Next", "c");
      equal(s.result(id, String.class), "a,b,c");
    });
    all.put("event_with_a_time_limit", s -> equal(s.run("Limited", null, String.class), "late"));
    all.put("event_from_an_orchestration", s -> {
      String id = s.start("Events", null);
      for (int i = 0; i < 3; i++) {
        equal(s.run("Send", id, String.class), "sent");
      }
      equal(s.result(id, String.class), "from Java,from Java,from Java");
    });
    all.put("timer", s -> check(s.run("Sleep", 300, Long.class) >= 300, "the timer fired early"));
    all.put("sub_orchestrations", s -> equal(s.run("Tree", 3, Integer.class), 8));
    all.put("activity_retries", s -> equal(s.run("Retry", s.prefix, Integer.class), 3));
    all.put("failure_details", s -> {
      FailureDetails f = s.wait(s.start("Fail", null), OrchestrationRuntimeStatus.FAILED).getFailureDetails();
      check(f.getErrorType().endsWith("TaskFailedException"), f.getErrorType());
      check(f.getErrorMessage().contains("attempt 1"), f.getErrorMessage());
    });
    all.put("continue_as_new", s -> equal(s.run("Generations", 0, Integer.class), 10));
    all.put("continue_as_new_with_a_burst_of_events", s -> {
      String id = s.start("Collect", new String[] {});
      for (String x : "abcde".split("")) {
        s.client.raiseEvent(id, "Item", x);
      }
      // It keeps them in a set, so that their order is lost.
      List<String> got = new ArrayList<>(List.of(s.result(id, String.class).split(",")));
      Collections.sort(got);
      equal(got, List.of("a", "b", "c", "d", "e"));
    });
    all.put("suspend_and_resume", s -> {
      String id = s.start("Events", null);
      s.reach(id, OrchestrationRuntimeStatus.RUNNING);
      s.client.suspendInstance(id, "pause");
      s.reach(id, OrchestrationRuntimeStatus.SUSPENDED);
      for (String x : "abc".split("")) {
        s.client.raiseEvent(id, "Next", x);
      }
      try {
        s.client.waitForInstanceCompletion(id, Duration.ofMillis(300), false);
        throw new AssertionError("a suspended orchestration went on");
      } catch (TimeoutException expected) {
        s.client.resumeInstance(id);
      }
      equal(s.result(id, String.class), "a,b,c");
    });
    all.put("terminate", s -> {
      String id = s.start("Events", null);
      s.reach(id, OrchestrationRuntimeStatus.RUNNING);
      s.client.terminate(id, "enough");
      equal(s.wait(id, OrchestrationRuntimeStatus.TERMINATED).readOutputAs(String.class), "enough");
    });
    all.put("purge", s -> {
      String id = s.start("Echo", "x");
      s.result(id, String.class);
      equal(s.client.purgeInstance(id).getDeletedInstanceCount(), 1);
      check(!s.client.getInstanceMetadata(id, false).isInstanceFound(), "a purged instance is found");
      equal(s.client.purgeInstance(id).getDeletedInstanceCount(), 0);
    });
    all.put("query", s -> {
      for (int i = 0; i < 7; i++) {
        s.result(s.start("Echo", i), Integer.class);
      }
      List<String> ids = new ArrayList<>();
      OrchestrationStatusQuery query = new OrchestrationStatusQuery().setInstanceIdPrefix(s.prefix).setMaxInstanceCount(3).setFetchInputsAndOutputs(true);
      int pages = 0;
      for (String token = null; token == null || !token.isEmpty(); pages++) {
        OrchestrationStatusQueryResult page = s.client.queryInstances(query.setContinuationToken(token));
        page.getOrchestrationState().forEach(m -> ids.add(m.getInstanceId() + m.readOutputAs(Integer.class)));
        token = page.getContinuationToken() == null ? "" : page.getContinuationToken();
      }
      check(pages >= 3, "all in " + pages + " pages");
      equal(ids.stream().distinct().count(), 7L);
      equal(ids.size(), 7);
    });
    all.put("restart", s -> {
      String id = s.start("Echo", "again");
      s.result(id, String.class);
      String other = s.client.restartInstance(id, true);
      check(!other.equals(id), "the id is the old one");
      equal(s.result(other, String.class), "again");
      // With the same id this SDK sends a plain start, which never runs over what has ended.
      refused(Status.Code.ALREADY_EXISTS, () -> s.client.restartInstance(id, false));
      equal(s.result(id, String.class), "again");
    });
    all.put("refusals", s -> {
      String id = s.start("Echo", 1);
      refused(Status.Code.ALREADY_EXISTS, () -> s.client.scheduleNewOrchestrationInstance("Echo", 2, id));
      refused(Status.Code.INVALID_ARGUMENT, () -> s.client.scheduleNewOrchestrationInstance("Echo", 2, "x".repeat(101)));
      refused(Status.Code.NOT_FOUND, () -> s.client.raiseEvent(s.prefix + "-none", "Next"));
      check(!s.client.getInstanceMetadata(s.prefix + "-none", true).isInstanceFound(), "what never was is found");
    });
    all.put("custom_status", s -> {
      String id = s.start("Status", null);
      while (!"here".equals(s.client.waitForInstanceStart(id, LIMIT, true).readCustomStatusAs(String.class))) {
        Thread.sleep(20);
      }
      s.client.raiseEvent(id, "On");
      s.wait(id, OrchestrationRuntimeStatus.COMPLETED);
    });
    all.put("scheduled_start", s -> {
      Instant due = Instant.now().plusMillis(700);
      String id = s.client.scheduleNewOrchestrationInstance("Echo", new NewOrchestrationInstanceOptions().setInput(1).setStartTime(due));
      equal(s.client.getInstanceMetadata(id, false).getRuntimeStatus(), OrchestrationRuntimeStatus.PENDING);
      equal(s.result(id, Integer.class), 1);
      check(!Instant.now().isBefore(due), "it started early");
    });
    all.put("serial_worker_in_a_hub_of_its_own", s -> {
      // W7: what waits behind others in the worker's buffer is not taken from it.
      ManagedChannel plain = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
      Metadata hub = new Metadata();
      hub.put(Metadata.Key.of("taskhub", Metadata.ASCII_STRING_MARSHALLER), s.prefix);
      Channel channel = ClientInterceptors.intercept(plain, MetadataUtils.newAttachHeadersInterceptor(hub));
      DurableTaskClient client = new DurableTaskGrpcClientBuilder().grpcChannel(channel).build();
      client.createTaskHub(false);
      Thread worker = worker(new DurableTaskGrpcWorkerBuilder().grpcChannel(channel));
      Context there = new Context(client, s.prefix);
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        ids.add(there.start("Slowly", null));
      }
      for (String id : ids) {
        equal(there.result(id, String.class), "done");
        equal(attempts.get(id).get(), 1);
      }
      worker.interrupt();
      plain.shutdownNow();
      worker.join(10_000);
    });
  }

  static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Starts a worker for all code on a thread of its own. */
  static Thread worker(DurableTaskGrpcWorkerBuilder builder) {
    Map<String, Code> orchestrations = new LinkedHashMap<>();
    Map<String, Activity> activities = new LinkedHashMap<>();
    code(orchestrations, activities);
    orchestrations.forEach((name, code) -> builder.addOrchestration(new TaskOrchestrationFactory() {
      @Override
      public String getName() {
        return name;
      }

      @Override
      public TaskOrchestration create() {
        return ctx -> ctx.complete(code.run(ctx));
      }
    }));
    activities.forEach((name, activity) -> builder.addActivity(new TaskActivityFactory() {
      @Override
      public String getName() {
        return name;
      }

      @Override
      public TaskActivity create() {
        return activity::run;
      }
    }));
    Thread t = new Thread(() -> builder.build().startAndBlock());
    t.setDaemon(true);
    t.start();
    return t;
  }

  public static void main(String[] args) throws Exception {
    Logger.getLogger("com.microsoft").setLevel(Level.OFF);
    Logger.getLogger("io.grpc").setLevel(Level.OFF);
    String address = args[0];
    ManagedChannel channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
    worker(new DurableTaskGrpcWorkerBuilder().grpcChannel(channel));
    DurableTaskClient client = new DurableTaskGrpcClientBuilder().grpcChannel(channel).build();
    Map<String, Scenario> all = new LinkedHashMap<>();
    scenarios(all, address);
    if (args.length > 1) {
      all.keySet().retainAll(List.of(args).subList(1, args.length));
    }
    System.out.println("plan " + all.size());
    AtomicInteger failed = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(12);
    List<Future<?>> running = new ArrayList<>();
    all.forEach((name, scenario) -> running.add(pool.submit(() -> {
      Instant began = Instant.now();
      StringWriter reason = new StringWriter();
      try {
        scenario.run(new Context(client, name));
      } catch (Throwable e) {
        failed.incrementAndGet();
        e.printStackTrace(new PrintWriter(reason, true));
      }
      long ms = Duration.between(began, Instant.now()).toMillis();
      synchronized (System.out) {
        System.out.printf("%s %s %.2f%n%s", reason.toString().isEmpty() ? "ok" : "not ok", name, ms / 1000.0, reason);
        System.out.flush();
      }
    })));
    for (Future<?> f : running) {
      f.get();
    }
    System.exit(failed.get() > 0 || all.isEmpty() ? 1 : 0);
  }
}
