#include "world/ddi_client.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"

namespace ota::world {
namespace {

constexpr milliseconds kPatience{20'000};
constexpr milliseconds kTriesAgain{10'000};
constexpr std::size_t kPiece = 8192;
constexpr std::size_t kMostImage = 64U << 20;

// The path of a link that the server made, which begins with its name.
std::string path_of(const std::string& href) {
  const auto scheme = href.find("://");
  const auto path = href.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return path == std::string::npos ? href : href.substr(path);
}

std::string without_query(const std::string& target) {
  return target.substr(0, target.find('?'));
}

std::uint64_t number_at_end(const std::string& target) {
  const std::string path = without_query(target);
  return std::stoull(path.substr(path.rfind('/') + 1));
}

}  // namespace

DdiClient::DdiClient(Timeline& timeline, Trace& trace, Server& server, DdiOptions options)
    : timeline_(timeline),
      trace_(trace),
      server_(server),
      options_(std::move(options)),
      random_(options_.seed, "ddi"),
      link_(timeline, trace, server, options_.id, options_.address,
            Random(options_.seed, "ddi-link"), options_.faults),
      ran_{options_.factory} {}

DdiClient::~DdiClient() {
  power_cut();
}

void DdiClient::power_on() {
  if (fiber_ && !fiber_->over()) return;
  // Of the connection that it had the server learns by its silence.
  timeline_.after(
      model::ServerLimits{}.idle_timeout,
      [&server = server_, gone = options_.seed + boots_] { server.connection_closed(gone); });
  ++boots_;
  trace_.add(id(), "has power");
  fiber_ = timeline_.start([this] { live(); });
}

void DdiClient::power_cut() {
  if (!fiber_ || fiber_->over()) return;
  trace_.add(id(), "has no power");
  timeline_.cut(std::exchange(fiber_, nullptr));
}

void DdiClient::live() {
  timeline_.sleep(random_.between(options_.fastest_boot, options_.slowest_boot));
  if (work_ && work_->installed) start_installed();
  attributes_due_ = true;
  while (true)
    timeline_.sleep(round());
}

// The slot that it was to boot from is started: it stays there, or the boot loader takes the other.
void DdiClient::start_installed() {
  ran_.push_back(work_->image);
  work_->installed = false;
  if (options_.is_healthy(work_->image.sha256)) {
    kept_.insert(work_->action);
    trace_.add(id(), "runs " + work_->image.version.text());
    work_->finished = "success";
  } else {
    ran_.push_back(ran_[ran_.size() - 2]);
    trace_.add(id(), "falls back from " + work_->image.version.text());
    work_->finished = "failure";
  }
  if (options_.tells == DdiOptions::Tells::kBeforeRestart) {
    last_done_ = work_->action;
    work_.reset();
  }
}

milliseconds DdiClient::round() {
  if (token_.empty()) return kTriesAgain;
  if (work_ && !work_->finished.empty()) {
    if (!tell("closed", work_->finished)) return kTriesAgain;
    last_done_ = work_->action;
    work_.reset();
  }
  Json root;
  if (ask(http::Method::kGet, "/default/controller/v1/" + id(), Json(), &root) != 200)
    return kTriesAgain;
  look_at_root(root);
  if (attributes_due_ && tell_attributes()) attributes_due_ = false;
  if (work_) go_on();
  seconds pause{0};  // "01:02:03"
  for (const std::string& part : split(root["config"]["polling"]["sleep"].get<std::string>(), ':'))
    pause = pause * 60 + seconds(std::stoi(part));
  return std::max<milliseconds>(pause, seconds(1));
}

void DdiClient::look_at_root(const Json& root) {
  if (!root.contains("_links")) return;
  const Json& links = root["_links"];
  const auto href = [&links](const char* name) {
    return path_of(links[name]["href"].get<std::string>());
  };
  if (links.contains("configData")) attributes_due_ = true;
  if (links.contains("cancelAction")) return cancel(href("cancelAction"));
  if (links.contains("deploymentBase")) begin(href("deploymentBase"));
}

void DdiClient::cancel(const std::string& link) {
  Json said;
  if (ask(http::Method::kGet, link, Json(), &said) != 200) return;
  const auto action = std::stoull(said["cancelAction"]["stopId"].get<std::string>());
  const bool too_late = last_done_ == action;
  if (!too_late && work_ && work_->action == action) work_.reset();
  const std::string execution = too_late ? "rejected" : "canceled";
  ask(http::Method::kPost, link + "/feedback",
      {{"id", std::to_string(action)},
       {"status",
        {{"execution", execution},
         {"result", {{"finished", "none"}}},
         {"details", Json::array()}}}});
}

void DdiClient::begin(const std::string& link) {
  const std::uint64_t action = number_at_end(link);
  if (work_ && work_->action == action) return;
  if (last_done_ == action) {
    // Done, and the server has not heard: it is told again.
    work_ = Work{.action = action,
                 .image = ran_.back(),
                 .length = 0,
                 .file = {},
                 .have = 0,
                 .installed = false,
                 .finished = kept_.contains(action) ? "success" : "failure"};
    return;
  }
  Json said;
  if (ask(http::Method::kGet, link, Json(), &said) != 200) return;
  const Json& chunk = said["deployment"]["chunks"][0];
  const Json& artifact = chunk["artifacts"][0];
  Work work;
  work.action = action;
  work.image = {model::Version::parse(chunk["version"].get<std::string>()).value(),
                artifact["hashes"]["sha256"].get<std::string>()};
  work.length = artifact["size"].get<std::uint64_t>();
  work.file = path_of(artifact["_links"]["download"]["href"].get<std::string>());
  work_ = std::move(work);
}

void DdiClient::go_on() {
  if (!work_->finished.empty() || !tell("proceeding", "none")) return;
  if (!work_ || !fetch()) return;
  timeline_.sleep(random_.between(milliseconds(100), milliseconds(5000)));  // writes its slot
  // rauc-hawkbit-updater has told the end by the time it restarts.
  if (options_.tells == DdiOptions::Tells::kBeforeRestart) {
    while (work_ && !tell("closed", "success"))
      timeline_.sleep(kTriesAgain);
    if (!work_) return;
  }
  work_->installed = true;
  trace_.add(id(), "restarts into " + work_->image.version.text());
  timeline_.sleep(random_.between(options_.fastest_boot, options_.slowest_boot));
  start_installed();
  attributes_due_ = true;
}

// All of the image, from where it had come to; false: another time.
bool DdiClient::fetch() {
  Request request = signed_in();
  request.target = work_->file;
  if (work_->have > 0) request.range = "bytes=" + std::to_string(work_->have) + "-";
  const auto answer = send(request);
  if (!answer || !answer->file) return false;
  const auto whole =
      read_file(std::filesystem::path(answer->file->folder) / answer->file->path, kMostImage);
  if (!whole) return false;
  const auto watch = answer->file->watch;
  while (work_->have < whole->size()) {
    const std::size_t size = std::min<std::uint64_t>(kPiece, whole->size() - work_->have);
    if (!link_.piece(size, [] { return false; })) return false;
    if (watch) watch->sent(work_->have, size);
    work_->have += size;
  }
  if (sha256_hex(*whole) == work_->image.sha256) return true;
  work_->finished = "failure";
  return false;
}

// False: it did not arrive. Where the server knows of no such open action, that is given up.
bool DdiClient::tell(const std::string& execution, const std::string& finished) {
  const std::string action = std::to_string(work_->action);
  const int status =
      ask(http::Method::kPost,
          "/default/controller/v1/" + id() + "/deploymentBase/" + action + "/feedback",
          {{"id", action},
           {"status",
            {{"execution", execution},
             {"result", {{"finished", finished}}},
             {"details", Json::array({"as it is"})}}}});
  const bool given_up = status == 404 || status == 410;
  if (given_up && execution != "closed") work_.reset();
  return status == 200 || given_up;
}

bool DdiClient::tell_attributes() {
  Json data{{"hw", "w"}};
  if (options_.says_version) data["version"] = ran_.back().version.text();
  return ask(http::Method::kPut, "/default/controller/v1/" + id() + "/configData",
             {{"mode", "merge"}, {"data", data}}) == 200;
}

int DdiClient::ask(http::Method method, const std::string& target, const Json& body, Json* said) {
  Request request = signed_in();
  request.method = method;
  request.target = target;
  if (method != http::Method::kGet) request.body = dump_json(body);
  const auto answer = send(request);
  if (!answer) return 0;
  if (said != nullptr && answer->status == 200) {
    auto document = parse_json(answer->body);
    if (!document) return 0;
    *said = std::move(*document);
  }
  return static_cast<int>(answer->status);
}

Request DdiClient::signed_in() const {
  Request request;
  request.listener = Request::Listener::kDdi;
  request.authorization = "TargetToken " + token_;
  request.user_agent = options_.tells == DdiOptions::Tells::kAfterRestart
                           ? "zephyr-hawkbit/3.7"
                           : "rauc-hawkbit-updater/1.3";
  request.peer.address = options_.address;
  request.connection = options_.seed + boots_;
  return request;
}

std::optional<http::Response> DdiClient::send(const Request& request) {
  auto answer = link_.call(request, kPatience, [] { return false; });
  if (!answer) return std::nullopt;
  return std::move(*answer);
}

}  // namespace ota::world
