// otactl keys trust, keys sign: the signer's side of a ceremony, on a machine without a network.
//
// Nothing that the server says is believed: what is in force is verified from the root that was
// pinned here by `keys trust`, and the difference that is shown and signed is made from that.
#include <cstdlib>

#include "base/file.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/passphrase.h"
#include "tuf/pkcs11.h"
#include "tuf/signer.h"

namespace ota::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRequestBytes = 16000000;
constexpr std::size_t kMaxMemoryBytes = 1U << 20;
constexpr std::size_t kMaxKeyBytes = 16384;

// Where this machine remembers what it pinned: --memory, else the user's configuration folder.
Result<fs::path> memory_file(const Context& context) {
  if (context.arguments.has("--memory")) return fs::path(context.arguments.text("--memory"));
  if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder != nullptr && *folder == '/')
    return fs::path(folder) / "secure-ota" / "signer.json";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".config" / "secure-ota" / "signer.json";
  return usage_error("no HOME to remember the pinned root in; name a file with --memory");
}

// None where no root is pinned. What is there and cannot be read is an error: a damaged memory must
// not pass for none.
Result<std::optional<tuf::SignerMemory>> remembered(const fs::path& file) {
  const auto text = read_file(file, kMaxMemoryBytes);
  if (!text && text.error().code == Errc::kNotFound) return std::optional<tuf::SignerMemory>();
  if (!text) return text.error();
  auto memory = tuf::read_memory(*text);
  if (!memory) return memory.error().within(file.string());
  return std::optional(std::move(*memory));
}

Result<void> remember(const fs::path& file, const tuf::SignerMemory& memory) {
  if (auto made = make_directories(file.parent_path(), 0700); !made) return made;
  return write_file_durably(file, tuf::write_memory(memory), 0600);
}

Result<ExitCode> run_trust(Context& context) {
  const auto file = memory_file(context);
  if (!file) return file.error();
  const auto root = read_file(context.arguments.text("ROOT"), kMaxMemoryBytes);
  if (!root) return root.error();
  const auto memory = tuf::pin(*root);
  if (!memory) return memory.error();
  const auto before = remembered(*file);
  const auto words = tuf::describe_root_of(*memory);
  for (const std::string& line : words)
    context.out.line(line);
  const bool known = !before || *before;
  if (const auto code =
          unless_confirmed(context,
                           known ? "Forget what was pinned and signed here, and trust this root?"
                                 : "Trust this root? Compare it with what you were told.",
                           "Nothing was pinned.")) {
    return *code;
  }
  if (auto written = remember(*file, *memory); !written) return written.error();
  context.out.document(Json{{"pinned", words}, {"memory", file->string()}});
  context.out.line("pinned in " + file->string(), Tone::kGood);
  return ExitCode::kDone;
}

// A key file, with its passphrase where it is encrypted, or an object on a token with its PIN.
Result<tuf::Signer> open_key(const Context& context, const std::string& key) {
  const bool token = tuf::is_pkcs11(key);
  std::string pem;
  if (!token) {
    auto file = read_file(key, kMaxKeyBytes);
    if (!file) return file.error();
    pem = std::move(*file);
  }
  std::optional<std::string> secret;
  if (context.arguments.has("--passphrase-file")) {
    auto given = passphrase_from_file(context.arguments.text("--passphrase-file"));
    if (!given) return given.error();
    secret = std::move(*given);
  } else if (token || pem.find("ENCRYPTED") != std::string::npos) {
    auto given = ask_passphrase(
        token ? "the token, its PIN (nothing: type it on the token's own PIN pad)" : key,
        Asked::kOnce);
    if (!given) return given.error();
    secret = std::move(*given);
  }
  if (token && secret && secret->empty()) secret.reset();
  return token ? tuf::signer_from_pkcs11(key, secret) : tuf::Signer::from_pem(pem, secret);
}

Result<ExitCode> run_sign(Context& context) {
  if (auto good = check_passphrase_file(context); !good) return good.error();
  const auto file = memory_file(context);
  if (!file) return file.error();
  const auto memory = remembered(*file);
  if (!memory) return memory.error();
  const auto text = read_file(context.arguments.text("FILE"), kMaxRequestBytes);
  if (!text) return text.error();
  const auto request = tuf::read_request(*text, *memory);
  if (!request) return request.error();
  // What is signed is shown before the passphrase is asked for.
  for (const std::string& line : request->words)
    context.out.line(line, line.starts_with("comparison NOT") ? Tone::kBad : Tone::kPlain);
  if (!request->verified && !context.arguments.has("--unverified")) {
    return fail(Errc::kDenied,
                "nothing was signed: pin a root that you have from elsewhere first (otactl keys "
                "trust 1.root.json), or say --unverified");
  }
  if (const auto code = unless_confirmed(context, "Sign this?", "Nothing was signed.")) {
    return *code;
  }
  const auto signer = open_key(context, context.arguments.text("--key"));
  if (!signer) return signer.error();
  const auto signature = tuf::sign_request(*request, *signer);
  if (!signature) return signature.error();
  // Remembered before it leaves: a signature that nobody remembers could be asked for twice.
  if (request->after) {
    if (auto written = remember(*file, *request->after); !written) return written.error();
  }
  if (!context.arguments.has("--out")) {
    context.out.json_text(*signature);
    return ExitCode::kDone;
  }
  const std::string path = context.arguments.text("--out");
  if (auto written = write_file_durably(path, *signature); !written) return written.error();
  context.out.document(
      Json{{"signed", request->words}, {"verified", request->verified}, {"file", path}});
  context.out.line("written to " + path, Tone::kGood);
  return ExitCode::kDone;
}

const Option kMemory{"--memory", "FILE",
                     "what this machine remembers (~/.config/secure-ota/signer.json)"};

}  // namespace

Command keys_trust_command() {
  return {.name = "keys trust",
          .summary = "pin a root on the signer's machine, to compare requests with",
          .details =
              "Take ROOT from where you trust it, such as the ceremony that made it, and not "
              "from the server that asks for signatures; compare the digests that are shown. "
              "What keys sign signs is remembered with it. Later roots follow by themselves.",
          .positionals = {{"ROOT", "a root file, such as firmware/metadata/1.root.json"}},
          .options = {kMemory, {"--yes", "", "do not ask"}},
          .examples = {{"otactl keys trust /media/stick/1.root.json", "once on each machine"}},
          .run = &run_trust};
}

Command keys_sign_command() {
  return {
      .name = "keys sign",
      .summary = "sign a request, on any machine (no network, no --root needed)",
      .details =
          "Shows in words what would be signed, compared with what is in force by the root that "
          "keys trust pinned; then asks, then wants the passphrase. Sign on a machine that is "
          "not the server, and best with a key on a token that has a PIN pad.",
      .positionals = {{"FILE", "the request"}},
      .options = {{"--key",
                   "KEY",
                   "a PEM file, or pkcs11:token=T;object=O (needed)",
                   {},
                   Kind::kText,
                   Option::Need::kRequired},
                  {"--passphrase-file", "FILE", "its first line, instead of asking"},
                  {"--out", "FILE", "write it there instead of to standard output"},
                  kMemory,
                  {"--unverified", "", "sign although no root is pinned here"},
                  {"--yes", "", "do not ask"}},
      .examples = {{"otactl keys sign targets.request --key targets-1.pem --out 1.signature",
                    "to carry back"},
                   {"otactl keys sign targets.request --key \"pkcs11:token=ota;object=me\"",
                    "with a key that never leaves its token; PKCS11_MODULE_PATH names its "
                    "library"}},
      .run = &run_sign};
}

}  // namespace ota::cli
