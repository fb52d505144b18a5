// The console without its terminal: keys in, a picture out, requests to the backend between.
//
// It owns what the operator has chosen, and the model that frames are drawn from. What only a
// terminal can do (suspend, redraw, copy, quit) is left as an Effect for the loop. Thread: UI only;
// answers of the backend come through the Inbox.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "console/backend.h"
#include "console/inbox.h"
#include "console/model.h"
#include "console/state.h"
#include "console/views/view_spec.h"

namespace ota::console {

struct Effect {
  enum class Kind : std::uint8_t { kQuit, kSuspend, kRedraw, kCopy };
  Kind kind;
  std::string text;  // what is copied
};

class Ui {
 public:
  // All outlive it.
  Ui(Backend& backend, std::shared_ptr<Inbox> inbox, const Clock& clock, ViewOptions options);

  void handle(const Key& key);
  // Takes the newest snapshots; call before draw() when something may have changed.
  void refresh();
  Canvas draw(Size size);
  std::vector<Effect> take_effects();

  // What stands in the status row.
  void say(std::string_view text, Ink ink = Ink::kText);
  // Opens the question whether to stop the server; asked twice within 2 s it quits at once.
  // --read-only refuses it, as all that changes something.
  void ask_to_quit();

  const UiState& state() const { return state_; }
  const Model& model() const { return model_; }

 private:
  // keys, by who has the keyboard
  void dispatch(const Key& key);
  void handle_question(const Key& key);
  void handle_prompt(const Key& key);
  void handle_help(const Key& key);
  void handle_columns(const Key& key);
  void handle_update(const Key& key);
  void handle_sign(const Key& key);
  void act(Action action);
  bool act_everywhere(Action action);
  bool act_on_graphs(Action action);
  bool act_on_log(Action action);
  bool act_on_device(Action action);
  bool act_on_agents(Action action);
  bool act_on_trust(Action action);
  Stage stage() { return {model_, state_, options_, size_}; }

  // moving
  void move(long lines);
  void keep_selections();
  void follow_log();
  void step_device(long step);
  void find_event(model::Severity at_least, long step);
  void zoom(int step);
  void pan(int step);
  void load_stored();
  void mark();
  void mark_all();
  int page() const;

  // the prompt
  void open_prompt(Prompt::Kind kind, std::string text);
  void recall(int step);
  void take_prompt();
  void set_filter(const std::string& text);
  std::vector<std::string> known_words() const;

  // what console.json says of the screen, and readings for a wide one
  void take_settings();
  void fit_span();
  void refresh_histories();
  bool refuse(Access needed);

  // requests
  std::vector<std::string> chosen_devices();
  void start_update(std::vector<std::string> devices, const std::optional<model::Version>& version);
  void send(const UpdateFlow::Ask& ask);
  void show_result();
  void show_signed();
  void confirm(std::string title, std::vector<std::string> lines, std::string verb,
               std::function<void()> accept);
  void cancel_job(const std::string& job);
  void roll_back(const std::vector<std::string>& devices);
  void revoke(const std::string& device);
  void acknowledge(const std::vector<std::string>& devices);
  void stop_updates(const std::string& reason);
  void resume_updates();
  void ask_to_suspend();
  std::string why_no_other_port() const;
  void ask_for_port();
  void listen_on(const std::string& port);
  void start_demonstration();
  void order_agent(const std::string& agent, Backend::AgentOrder order);
  fleet::Done report(const std::string& success);
  fleet::Done gather(const std::vector<std::string>& devices, const std::string& success);
  void copy();
  void export_to(const std::string& path);
  void drop_older_behind_gap();
  void search_older(model::Severity at_least, std::uint64_t before);
  void go_on_searching();
  void end_search(LogSearch::Stage stage);
  void load_older();
  void run_command(const std::string& line);

  Backend& backend_;
  std::shared_ptr<Inbox> inbox_;
  const Clock& clock_;
  ViewOptions options_;
  UiState state_;
  Model model_;
  Size size_{80, 24};
  std::vector<Effect> effects_;
  bool loading_older_ = false;
  bool nothing_older_ = false;                       // said by the store
  std::shared_ptr<const model::Settings> settings_;  // taken last
  WallTime histories_at_;
  bool loading_stored_ = false;
  std::optional<WallTime> quit_asked_;
  unsigned notices_ = 0;  // said so far
  // Answers that arrive after this object is gone find it expired.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace ota::console
