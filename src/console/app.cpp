#include "console/app.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "console/terminal_guard.h"

namespace ota::console {
namespace {

// An ESC that stands alone is a key after this long; sequences of a slow line come within it.
constexpr milliseconds kEscapeDelay{25};
constexpr milliseconds kSlowTerminal{50};
constexpr milliseconds kInterval{300};
constexpr milliseconds kLongestInterval{2400};

MonoTime mono_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

void FrameLimiter::refill(MonoTime now) {
  if (last_ != MonoTime{}) {
    const double passed = std::chrono::duration<double>(now - last_).count();
    tokens_ = std::min(burst_, tokens_ + passed * per_second_);
  }
  last_ = now;
}

bool FrameLimiter::take(MonoTime now) {
  refill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

milliseconds FrameLimiter::wait(MonoTime now) {
  refill(now);
  if (tokens_ >= 1) return milliseconds(0);
  return milliseconds(static_cast<long>((1 - tokens_) * 1000 / per_second_) + 1);
}

App::App(Ui& ui, Screen& screen, std::shared_ptr<Inbox> inbox, const Clock& clock)
    : ui_(ui), screen_(screen), inbox_(std::move(inbox)), clock_(clock) {
  signals_ = FileDescriptor(::signalfd(-1, &ui_signals(), SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
}

void App::draw_now() {
  // Before the look: what changes after it wakes the loop again.
  inbox_->take_changes();
  inbox_->run();
  apply_effects();
  ui_.refresh();
  const milliseconds blocked = screen_.present(ui_.draw(screen_.size()));
  interval_ = blocked > kSlowTerminal ? std::min(interval_ * 2, kLongestInterval)
                                      : std::max(interval_ / 2, kInterval);
  look_at_ = mono_now() + interval_;
  armed_ = false;
  key_pending_ = false;
  model_pending_ = false;
  shown_second_ = std::chrono::floor<seconds>(clock_.wall().time_since_epoch()).count();
}

void App::draw_if_due() {
  if (model_pending_ || (key_pending_ && key_frames_.take(mono_now()))) draw_now();
}

// How long poll() may sleep.
milliseconds App::patience() const {
  const MonoTime now = mono_now();
  const auto of_second = clock_.wall().time_since_epoch() % seconds(1);
  milliseconds sleep = milliseconds(1001) - std::chrono::duration_cast<milliseconds>(of_second);
  if (decoder_.waiting()) {
    sleep = std::min(
        sleep, std::max(milliseconds(0), std::chrono::ceil<milliseconds>(escape_deadline_ - now)));
  }
  FrameLimiter keys = key_frames_;
  if (key_pending_) sleep = std::min(sleep, keys.wait(now));
  if (!armed_) {
    sleep =
        std::min(sleep, std::max(milliseconds(0), std::chrono::ceil<milliseconds>(look_at_ - now)));
  }
  return sleep;
}

int App::run(Driver* driver) {
  draw_now();  // before anything else is up
  while (!exit_) {
    if (driver != nullptr) exit_ = driver->advance(*this);
    if (exit_) break;
    std::array<pollfd, 3> watched{
        {{screen_.input(), POLLIN, 0}, {signals_.get(), POLLIN, 0}, {inbox_->fd(), POLLIN, 0}}};
    const auto sleep = driver != nullptr ? std::min(patience(), milliseconds(20)) : patience();
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(sleep.count()));
    if (ready < 0 && errno != EINTR) return 1;
    if (watched[1].revents != 0) read_signals();
    if (watched[0].revents != 0) read_keys();
    if (watched[2].revents != 0) {
      inbox_->run();
      model_pending_ = true;
    }
    if (!armed_ && mono_now() >= look_at_) {
      armed_ = !inbox_->arm();
      model_pending_ = model_pending_ || !armed_;
    }
    if (decoder_.waiting() && mono_now() >= escape_deadline_) end_escape();
    if (std::chrono::floor<seconds>(clock_.wall().time_since_epoch()).count() != shown_second_)
      model_pending_ = true;
    apply_effects();
    if (!exit_) draw_if_due();
  }
  return *exit_;
}

void App::read_keys() {
  std::array<char, 4096> bytes{};
  const ssize_t got = ::read(screen_.input(), bytes.data(), bytes.size());
  if (got > 0) return type(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  exit_ = 128 + SIGHUP;  // the terminal is gone
}

void App::type(std::string_view bytes) {
  std::vector<Key> keys;
  decoder_.feed(bytes, keys);
  if (decoder_.waiting()) escape_deadline_ = mono_now() + kEscapeDelay;
  take_keys(keys);
}

void App::end_escape() {
  std::vector<Key> keys;
  decoder_.flush(keys);
  take_keys(keys);
}

void App::take_keys(const std::vector<Key>& keys) {
  for (const Key& key : keys) {
    ui_.handle(key);
    // The next key may ask what this one has changed: which rows a filter leaves, which event is
    // selected.
    if (keys.size() > 1) ui_.refresh();
    key_pending_ = true;
  }
}

void App::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    switch (info.ssi_signo) {
      case SIGWINCH:
      case SIGCONT:
        screen_.resized();
        key_pending_ = true;
        break;
      case SIGTSTP:
        screen_.suspend();
        key_pending_ = true;
        break;
      case SIGTERM:
        exit_ = 0;  // asked to end, and ends in order
        break;
      default:
        exit_ = 128 + static_cast<int>(info.ssi_signo);
    }
  }
}

void App::apply_effects() {
  for (const Effect& effect : ui_.take_effects()) {
    switch (effect.kind) {
      case Effect::Kind::kQuit:
        exit_ = 0;
        break;
      case Effect::Kind::kSuspend:
        screen_.suspend();
        key_pending_ = true;
        break;
      case Effect::Kind::kRedraw:
        screen_.resized();
        break;
      case Effect::Kind::kCopy:
        screen_.copy(effect.text);
        break;
    }
  }
}

}  // namespace ota::console
