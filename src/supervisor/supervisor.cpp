#include "supervisor/supervisor.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
// Process v2 of Boost 1.81 does not include all that it uses: optional first.
#include <boost/optional.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <cerrno>
#include <csignal>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "base/file.h"
#include "model/event_kind.h"
#include "supervisor/backoff.h"
#include "supervisor/child_setup.h"
#include "supervisor/line_reader.h"

namespace ota::supervisor {
namespace asio = boost::asio;
namespace process = boost::process::v2;
using Process = process::basic_process<boost::asio::io_context::executor_type>;
using Phase = model::AgentStatus::Phase;

namespace {

// Runs set_up_child in the child; a parent that is gone makes the start fail.
struct ChildInitializer {
  pid_t parent = ::getpid();

  template <class Launcher>
  boost::system::error_code on_exec_setup(Launcher&, const process::filesystem::path&,
                                          const char* const*&) {
    if (set_up_child(parent)) return {};
    return {ESRCH, boost::system::system_category()};
  }
  // Without this the launcher calls exit(), and the copy of our process runs our destructors.
  template <class... Arguments>
  void on_exec_error(Arguments&&...) {
    ::_exit(127);
  }
};

std::string describe_exit(int native_code) {
  if (WIFSIGNALED(native_code)) return "signal " + std::to_string(WTERMSIG(native_code));
  return "exit " + std::to_string(WEXITSTATUS(native_code));
}

}  // namespace

// One agent, and what has become of it. Lives on the supervisor's thread.
struct Child {
  Child(asio::io_context& context, ChildSpec s, const SupervisorOptions& options)
      : spec(std::move(s)),
        output(options.lines_kept),
        backoff(options.first_backoff, options.longest_backoff),
        timer(context),
        pipe(context) {
    status.id = spec.id;
  }

  ChildSpec spec;
  model::AgentStatus status;
  LineReader output;
  Backoff backoff;
  asio::steady_timer timer;  // back-off, or the grace of a stop
  asio::posix::stream_descriptor pipe;
  std::array<char, 4096> buffer{};
  std::optional<Process> running;
  MonoTime started;
  bool wanted = true;        // shall run; false: stay stopped
  bool start_again = false;  // asked to restart: no back-off after this exit
  bool forget = false;       // remove when it is gone
  unsigned failures = 0;     // exits in a row before `healthy_after`
};

struct Supervisor::Impl {
  Impl(SupervisorOptions o, const Clock& c, std::function<void(model::Event)> r)
      : options(o), clock(c), record(std::move(r)), work(asio::make_work_guard(context)) {
    thread = std::thread([this] { context.run(); });
  }

  const SupervisorOptions options;
  const Clock& clock;
  const std::function<void(model::Event)> record;

  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::map<std::string, std::shared_ptr<Child>> children;
  std::mt19937 random{std::random_device{}()};
  std::vector<std::promise<void>> waiting_for_end;
  bool publication_due = false;

  mutable std::mutex mutex;  // guards the two below
  std::shared_ptr<const std::vector<model::AgentStatus>> published =
      std::make_shared<const std::vector<model::AgentStatus>>();
  std::function<void()> changed;

  std::thread thread;  // last: it uses all of the above

  void post(std::function<void()> work_item) { asio::post(context, std::move(work_item)); }
  std::shared_ptr<Child> find(const std::string& id) {
    const auto found = children.find(id);
    return found == children.end() ? nullptr : found->second;
  }

  void launch(const std::shared_ptr<Child>& child);
  void read_output(const std::shared_ptr<Child>& child);
  void exited(const std::shared_ptr<Child>& child, int native_code);
  void stop(const std::shared_ptr<Child>& child);
  void start_anew(const std::shared_ptr<Child>& child);
  void wait_and_launch(const std::shared_ptr<Child>& child, milliseconds wait);
  void set_phase(Child& child, Phase phase);
  void publish_soon();
  void publish();
  void note(const Child& child, model::Severity severity, std::string kind,
            std::string message) const;
  void answer_waiting();
};

void Supervisor::Impl::note(const Child& child, model::Severity severity, std::string kind,
                            std::string message) const {
  if (!record) return;
  model::Event event;
  event.at = clock.wall();
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = child.spec.id;
  event.actor = "supervisor";
  event.message = std::move(message);
  record(std::move(event));
}

void Supervisor::Impl::set_phase(Child& child, Phase phase) {
  child.status.phase = phase;
  child.status.since = clock.wall();
  publish_soon();
}

// Bursts of output and state changes are shown at most ten times a second.
void Supervisor::Impl::publish_soon() {
  if (publication_due) return;
  publication_due = true;
  auto timer = std::make_shared<asio::steady_timer>(context, std::chrono::milliseconds(100));
  timer->async_wait([this, timer](const boost::system::error_code&) {
    publication_due = false;
    publish();
  });
}

void Supervisor::Impl::publish() {
  auto list = std::make_shared<std::vector<model::AgentStatus>>();
  for (const auto& [id, child] : children) {
    list->push_back(child->status);
    list->back().output = child->output.lines();
  }
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex);
    published = std::move(list);
    tell = changed;
  }
  if (tell) tell();
}

void Supervisor::Impl::launch(const std::shared_ptr<Child>& child) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    child->output.add("cannot make a pipe for its output");
    wait_and_launch(child, options.longest_backoff);
    return;
  }
  const FileDescriptor write_end(ends[1]);
  child->pipe = asio::posix::stream_descriptor(context, ends[0]);
  boost::system::error_code error;
  process::default_process_launcher launcher;
  // By its executor: 1.81's overload for a context throws instead of filling in the error.
  Process started = launcher(context.get_executor(), error,
                             process::filesystem::path(child->spec.program), child->spec.arguments,
                             process::process_stdio{nullptr, write_end.get(), write_end.get()},
                             ChildInitializer{});
  if (error) {
    // Boost 1.81 leaves the child that could not exec as a zombie.
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);
    child->output.add("cannot start " + child->spec.program.string() + ": " + error.message());
    child->status.last_exit = error.message();
    child->pipe.close(error);
    ++child->failures;
    if (child->failures == 1) {
      note(*child, model::Severity::kError, model::event_kind::kAgentStartFailed,
           "cannot start " + child->spec.program.string() + ": " + child->status.last_exit);
    }
    wait_and_launch(child, child->backoff.after_exit(milliseconds(0), options.healthy_after, 0));
    return;
  }
  child->started = clock.mono();
  child->status.pid = static_cast<int>(started.id());
  child->running.emplace(std::move(started));
  set_phase(*child, Phase::kRunning);
  read_output(child);
  child->running->async_wait([this, child](const boost::system::error_code& failed, int) {
    if (failed == asio::error::operation_aborted) return;
    exited(child, child->running ? child->running->native_exit_code() : 0);
  });
}

void Supervisor::Impl::read_output(const std::shared_ptr<Child>& child) {
  child->pipe.async_read_some(
      asio::buffer(child->buffer),
      [this, child](const boost::system::error_code& error, std::size_t got) {
        if (error) return;  // end of the stream: the exit is reported by the process itself
        if (child->output.feed({child->buffer.data(), got})) publish_soon();
        read_output(child);
      });
}

void Supervisor::Impl::exited(const std::shared_ptr<Child>& child, int native_code) {
  // What the child wrote last is still in the pipe; its own children may hold the pipe open, so
  // never wait for its end.
  boost::system::error_code ignored;
  child->pipe.non_blocking(true, ignored);
  while (true) {
    const std::size_t got = child->pipe.read_some(asio::buffer(child->buffer), ignored);
    if (ignored || got == 0) break;
    child->output.feed({child->buffer.data(), got});
  }
  child->output.finish();
  child->pipe.close(ignored);
  ::kill(-child->status.pid, SIGKILL);  // whatever it left in its process group
  child->running.reset();
  child->timer.cancel();
  child->status.pid = 0;
  child->status.last_exit = describe_exit(native_code);
  if (child->forget) {
    children.erase(child->spec.id);
    publish_soon();
    answer_waiting();
    return;
  }
  if (!child->wanted) {
    set_phase(*child, Phase::kStopped);
    answer_waiting();
    return;
  }
  const auto ran = std::chrono::duration_cast<milliseconds>(clock.mono() - child->started);
  if (child->start_again) {
    child->start_again = false;
    child->backoff.reset();
    ++child->status.restarts;
    // Not from here: the old pipe's last event may be queued behind this handler, Asio gives the
    // memory of its registration to the next descriptor, and the new child would be reported as
    // ended; Process v2 then waits for it with the whole loop.
    asio::post(context, [this, child] {
      if (child->wanted && !child->running) launch(child);
    });
    return;
  }
  child->failures = ran >= options.healthy_after ? 1 : child->failures + 1;
  note(*child, model::Severity::kWarning, model::event_kind::kAgentExit,
       "agent " + child->spec.id + " ended with " + child->status.last_exit +
           "; it is started again");
  if (options.give_up_after != 0 && child->failures >= options.give_up_after) {
    child->wanted = false;
    set_phase(*child, Phase::kFailed);
    return;
  }
  const double jitter = std::uniform_real_distribution<>(0, 1)(random);
  wait_and_launch(child, child->backoff.after_exit(ran, options.healthy_after, jitter));
}

void Supervisor::Impl::wait_and_launch(const std::shared_ptr<Child>& child, milliseconds wait) {
  child->status.next_try = clock.wall() + wait;
  set_phase(*child, Phase::kBackoff);
  child->timer.expires_after(wait);
  child->timer.async_wait([this, child](const boost::system::error_code& error) {
    if (error || !child->wanted || child->running) return;
    ++child->status.restarts;
    launch(child);
  });
}

void Supervisor::Impl::start_anew(const std::shared_ptr<Child>& child) {
  if (child->running) {
    child->start_again = true;
    stop(child);
    return;
  }
  child->timer.cancel();
  child->backoff.reset();
  ++child->status.restarts;
  launch(child);
}

void Supervisor::Impl::stop(const std::shared_ptr<Child>& child) {
  if (!child->running) {
    child->timer.cancel();
    if (child->forget) {
      children.erase(child->spec.id);
    } else if (!child->wanted) {
      set_phase(*child, Phase::kStopped);
    }
    publish_soon();
    answer_waiting();
    return;
  }
  ::kill(-child->status.pid, SIGTERM);
  child->timer.expires_after(options.stop_grace);
  child->timer.async_wait([child](const boost::system::error_code& error) {
    if (!error && child->running) ::kill(-child->status.pid, SIGKILL);
  });
}

void Supervisor::Impl::answer_waiting() {
  for (const auto& [id, child] : children) {
    if (child->running) return;
  }
  for (std::promise<void>& waiter : waiting_for_end)
    waiter.set_value();
  waiting_for_end.clear();
}

Supervisor::Supervisor(SupervisorOptions options, const Clock& clock,
                       std::function<void(model::Event)> record)
    : impl_(std::make_unique<Impl>(options, clock, std::move(record))) {}

Supervisor::~Supervisor() {
  stop_all();
  impl_->post([impl = impl_.get()] {
    impl->publish();
    impl->work.reset();
    impl->context.stop();
  });
  impl_->thread.join();
}

void Supervisor::set_children(std::vector<ChildSpec> specs) {
  impl_->post([impl = impl_.get(), specs = std::move(specs)] {
    std::map<std::string, bool> named;
    for (const ChildSpec& spec : specs) {
      named[spec.id] = true;
      if (const auto known = impl->find(spec.id)) {
        // One that was on its way out is wanted again; it starts when the old process is gone.
        if (known->forget) {
          known->forget = false;
          known->wanted = known->start_again = true;
          known->spec = spec;
        } else if (!(known->spec == spec)) {
          known->spec = spec;
          if (known->wanted) impl->start_anew(known);
        }
        continue;
      }
      auto child = std::make_shared<Child>(impl->context, spec, impl->options);
      impl->children.emplace(spec.id, child);
      impl->launch(child);
    }
    std::vector<std::shared_ptr<Child>> gone;
    for (const auto& [id, child] : impl->children) {
      if (!named[id]) gone.push_back(child);
    }
    for (const auto& child : gone) {
      child->wanted = false;
      child->forget = true;
      impl->stop(child);
    }
    impl->publish_soon();
  });
}

void Supervisor::start(const std::string& id) {
  impl_->post([impl = impl_.get(), id] {
    const auto child = impl->find(id);
    if (child == nullptr || child->running) return;
    child->wanted = true;
    child->timer.cancel();
    child->backoff.reset();
    impl->launch(child);
  });
}

void Supervisor::restart(const std::string& id) {
  impl_->post([impl = impl_.get(), id] {
    const auto child = impl->find(id);
    if (child == nullptr) return;
    child->wanted = true;
    impl->start_anew(child);
  });
}

void Supervisor::stop(const std::string& id) {
  impl_->post([impl = impl_.get(), id] {
    const auto child = impl->find(id);
    if (child == nullptr) return;
    child->wanted = false;
    child->start_again = false;
    impl->note(*child, model::Severity::kInfo, model::event_kind::kAgentStopped,
               "agent " + id + " stopped by the operator");
    impl->stop(child);
  });
}

void Supervisor::stop_all() {
  constexpr milliseconds kAfterKill{1000};
  const auto ended = std::make_shared<std::promise<void>>();
  const auto done = ended->get_future();
  impl_->post([impl = impl_.get(), ended] {
    impl->waiting_for_end.push_back(std::move(*ended));
    const auto all = impl->children;
    for (const auto& [id, child] : all) {
      child->wanted = false;
      child->start_again = false;
      impl->stop(child);
    }
    impl->answer_waiting();
  });
  done.wait_for(impl_->options.stop_grace + kAfterKill);
}

void Supervisor::clock_moved(milliseconds jump) {
  impl_->post([impl = impl_.get(), jump] {
    for (const auto& [id, child] : impl->children) {
      for (WallTime* stamp : {&child->status.since, &child->status.next_try}) {
        if (*stamp != WallTime{}) *stamp += jump;
      }
    }
    impl->publish_soon();
  });
}

std::shared_ptr<const std::vector<model::AgentStatus>> Supervisor::status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->published;
}

void Supervisor::on_change(std::function<void()> called) {
  const std::lock_guard lock(impl_->mutex);
  impl_->changed = std::move(called);
}

}  // namespace ota::supervisor
