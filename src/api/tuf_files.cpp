// Firmware metadata and images, as files. What they are worth is proved by their signatures, not by
// who serves them.
#include <sys/stat.h>

#include "api/context.h"
#include "api/routes.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "tuf/firmware.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

// The name on disk: what came decoded out of the URL, encoded again as the repository writes it
// (only RFC 3986's unreserved characters stay), so that no separator and no dot-dot is left. Empty:
// no such name can exist.
std::string name_on_disk(std::string_view segment) {
  constexpr std::size_t kLongest = 255;
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : segment) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  if (out.empty() || out.front() == '.' || out.size() > kLongest) return {};
  return out;
}

// A target's name may have folders; each segment is a name of its own.
std::string path_on_disk(std::string_view target) {
  std::string out;
  for (const std::string& segment : split(target, '/')) {
    const std::string name = name_on_disk(segment);
    if (name.empty()) return {};
    out += (out.empty() ? "" : "/") + name;
  }
  return out;
}

// Where images are served by model (console.json, firmware.by_model): is this one of the device's?
// A name without a folder is of no model.
bool is_for(const Context& context, const http::Peer& peer, std::string_view target) {
  const auto settings = context.ports.fleet.settings();
  if (settings->console.serve_images == model::ServeImages::kToAnyDevice) return true;
  if (peer.role != http::Role::kDevice || target.find('/') == std::string_view::npos) return true;
  const model::DeviceSpec* device = settings->whitelist.find(peer.name);
  return device != nullptr &&
         target.substr(0, target.find('/')) == tuf::folder_of_model(device->hardware);
}

void serve(const Context& context, const char* folder, const char* content_type,
           const std::string& name, const http::Responder& respond,
           std::shared_ptr<http::FileWatch> watch = nullptr) {
  const auto not_found = [&] {
    respond(http::Response::problem(404, "not-found", "no such file is published"));
  };
  if (name.empty()) return not_found();
  const std::string inner = std::string(folder) + "/" + name;
  struct stat info {};
  // For the tag alone: what is opened is looked at again.
  if (::lstat((context.ports.firmware / inner).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return not_found();
  }
  http::Response response;
  response.file = http::FileBody{};
  response.file->folder = context.ports.firmware.string();
  response.file->path = inner;
  response.file->etag = '"' + std::to_string(info.st_size) + '-' +
                        std::to_string(info.st_mtim.tv_sec) + '.' +
                        std::to_string(info.st_mtim.tv_nsec) + '"';
  response.file->content_type = content_type;
  response.file->watch = std::move(watch);
  respond(std::move(response));
}

}  // namespace

void add_tuf_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/tuf/metadata/{name...}", Access::kDeviceOrOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                serve(context, "metadata", "application/json", name_on_disk(request.params.at(0)),
                      respond);
              }});
  router.add({Method::kGet, "/tuf/targets/{name...}", Access::kDeviceOrOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                const std::string_view target = request.params.at(0);
                const bool counts = request.peer.role == http::Role::kDevice;
                // Not there, as far as the device is concerned.
                serve(context, "targets", "application/octet-stream",
                      is_for(context, request.peer, target) ? path_on_disk(target) : "", respond,
                      counts ? context.sent->watch(request.peer.name) : nullptr);
              }});
}

}  // namespace ota::api
