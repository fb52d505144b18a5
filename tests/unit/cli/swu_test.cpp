// .swu images: the archive, its description and its signature.
#include <fstream>

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/digest.h"
#include "cli/swu_archive.h"
#include "cli/swu_description.h"
#include "cli/swu_signature.h"
#include "pki/x509.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;

namespace {

const std::string kDescription =
    "software = { version = \"1.2.3\"; name = \"gateway\";\n"
    "  hardware-compatibility = [ \"1.0\", \"1.1\" ];\n"
    "  files: ( { filename = \"payload.bin\"; path = \"/tmp/x\"; } ); }\n";

std::string hex8(std::uint64_t number) {
  char text[9];
  std::snprintf(text, sizeof text, "%08lx", static_cast<unsigned long>(number));
  return text;
}

std::uint32_t sum_of(const std::string& text) {
  std::uint32_t sum = 0;
  for (const char c : text)
    sum += static_cast<unsigned char>(c);
  return sum;
}

std::string member(const std::string& name, const std::string& content,
                   const std::string& magic = "070702") {
  std::string out = magic;
  const std::uint64_t fields[13] = {1,
                                    0100644,
                                    0,
                                    0,
                                    1,
                                    0,
                                    content.size(),
                                    0,
                                    0,
                                    0,
                                    0,
                                    name.size() + 1,
                                    magic == "070702" ? sum_of(content) : 0};
  for (const std::uint64_t field : fields)
    out += hex8(field);
  out += name + '\0';
  while (out.size() % 4 != 0)
    out += '\0';
  out += content;
  while (out.size() % 4 != 0)
    out += '\0';
  return out;
}

const std::string kEnd = member("TRAILER!!!", "");

struct Folder {
  ota::test::TempFolder temp;
  std::filesystem::path write(const std::string& bytes) const {
    const auto file = temp.path() / "image.swu";
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }
  Error refusal(const std::string& bytes) const {
    const auto read = cli::read_swu(write(bytes));
    REQUIRE_FALSE(read.has_value());
    return read.error();
  }
};

// A self-signed signer with the given extended key usage.
struct Signer {
  explicit Signer(const std::string& name, const char* usage = "emailProtection")
      : key(pki::generate_key().value()), certificate(X509_new()) {
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_set_version(certificate.get(), 2);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, usage);
    X509_add_ext(certificate.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
  }
  std::string sign(const std::string& text) const {
    const pki::BioPtr in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    CMS_ContentInfo* cms = CMS_sign(certificate.get(), key.get(), nullptr, in.get(),
                                    CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP);
    unsigned char* der = nullptr;
    const int length = i2d_CMS_ContentInfo(cms, &der);
    std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(length));
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    return out;
  }
  void trust_in(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "signer.pem") << pki::certificate_pem(certificate.get());
  }
  pki::KeyPtr key;
  pki::CertificatePtr certificate;
};

}  // namespace

TEST_CASE("a .swu gives its description, its signature and the names of its payloads", "[swu]") {
  const Folder folder;
  for (const char* magic : {"070701", "070702"}) {
    const auto archive = cli::read_swu(folder.write(
        member("sw-description", kDescription, magic) + member("sw-description.sig", "sig", magic) +
        member("payload.bin", std::string(1001, 'p'), magic) + member("TRAILER!!!", "", magic)));
    REQUIRE(archive.has_value());
    CHECK(archive->description == kDescription);
    CHECK(archive->signature == "sig");
    REQUIRE(archive->payloads.size() == 1);
    CHECK(archive->payloads[0].name == "payload.bin");
    CHECK(archive->payloads[0].size == 1001);
    CHECK(archive->payloads[0].sha256 == sha256_hex(std::string(1001, 'p')));
  }
}

TEST_CASE("a .swu holds nothing that its signature does not cover", "[swu]") {
  const Folder folder;
  const std::string head =
      member("sw-description", kDescription) + member("sw-description.sig", "s");
  const std::string payload = member("payload.bin", "p");
  const auto fill = [](std::string bytes) {
    bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
    return bytes;
  };
  CHECK(cli::read_swu(folder.write(fill(head + payload + kEnd))).has_value());
  const auto refused = [&](const std::string& bytes, const char* why) {
    INFO(why);
    CHECK(folder.refusal(bytes).text().find(why) != std::string::npos);
  };
  refused(head + payload + kEnd + "and more", "bytes of no member");
  refused(fill(head + payload + kEnd) + fill(head + payload + kEnd), "the file goes on");
  refused(fill(head + payload + kEnd) + std::string(512, '\0'), "the file goes on");
  refused(head + payload + payload + kEnd, "a second 'payload.bin'");
  refused(head + payload + member("sw-description", kDescription) + kEnd,
          "a second 'sw-description'");
  std::string between = head + payload + kEnd;
  between[head.size() + payload.size() - 1] = 'x';
  refused(between, "bytes of no member");
  refused(head + payload + member("TRAILER!!!", "x"), "the archive's end has content");
}

TEST_CASE("each payload has the digest that the signed description gives it", "[swu]") {
  const Folder folder;
  const auto named = [&](const std::string& files) {
    const auto description = cli::parse_sw_description(
        "software = { version = \"1.0.0\"; hardware-compatibility = [ \"a\" ];\n"
        "  stable = { copy-1 = { images: ( " +
        files + " ); }; }; }\n");
    REQUIRE(description.has_value());
    return description->files;
  };
  const std::string entry = "{ filename = \"p.bin\"; sha256 = \"" + sha256_hex("p") + "\"; }";
  const auto checked = [&](const std::string& members, const std::string& files) {
    const auto archive =
        cli::read_swu(folder.write(member("sw-description", kDescription) + members + kEnd));
    REQUIRE(archive.has_value());
    const auto done = cli::check_payloads(*archive, named(files));
    return done ? std::string("covered") : done.error().context;
  };
  CHECK(checked(member("p.bin", "p"), entry) == "covered");
  CHECK(checked(member("p.bin", "q"), entry) ==
        "'p.bin' is not the one of the signed sw-description");
  CHECK(checked("", entry) == "'p.bin' is missing, which sw-description names");
  CHECK(checked(member("p.bin", "p") + member("more", "m"), entry) ==
        "'more' is not named in sw-description: no signature covers it");
  CHECK(checked(member("p.bin", "p"), "{ filename = \"p.bin\"; }") ==
        "sw-description gives no sha256 of 'p.bin': its signature does not cover it");
}

TEST_CASE("an archive that is none, is cut off or lies about its sizes is refused", "[swu]") {
  const Folder folder;
  const std::string whole =
      member("sw-description", kDescription) + member("payload.bin", "p") + kEnd;
  CHECK(cli::read_swu(folder.write(whole)).has_value());
  for (std::size_t length = 0; length + 1 < whole.size() - kEnd.size(); length += 7) {
    CAPTURE(length);
    CHECK_FALSE(cli::read_swu(folder.write(whole.substr(0, length))).has_value());
  }
  CHECK(folder.refusal("PK\x03\x04" + std::string(200, 'z')).text().find("no cpio header") !=
        std::string::npos);
  CHECK(folder.refusal(member("payload.bin", "p") + kEnd).context.find("not sw-description") !=
        std::string::npos);
  std::string huge = whole;
  huge.replace(6 + 6 * 8, 8, "ffffffff");
  CHECK(folder.refusal(huge).code == Errc::kInvalid);
  std::string no_name = whole;
  no_name.replace(6 + 11 * 8, 8, "00000000");
  CHECK(folder.refusal(no_name).code == Errc::kInvalid);
  std::string other = whole;
  other[other.find("gateway")] = 'G';  // the checksum knows
  CHECK(folder.refusal(other).context.find("wrong checksum") != std::string::npos);
  CHECK(folder.refusal(member("sw-description", std::string(1U << 20, 'x')) + kEnd).code ==
        Errc::kLimit);
  std::string many = member("sw-description", kDescription);
  for (int i = 0; i < 1100; ++i)
    many += member("f" + std::to_string(i), "");
  CHECK(folder.refusal(many + kEnd).code == Errc::kLimit);
  CHECK_FALSE(cli::read_swu(folder.temp.path() / "absent.swu").has_value());
}

TEST_CASE("sw-description tells name, version and hardware, of boards too", "[swu]") {
  const auto plain = cli::parse_sw_description(kDescription);
  REQUIRE(plain.has_value());
  CHECK(plain->name == "gateway");
  CHECK(plain->version == "1.2.3");
  CHECK(plain->hardware == std::vector<std::string>{"1.0", "1.1"});
  const auto boards = cli::parse_sw_description(
      "software : { version = \"2.0.0\"; description = \"two boards\";\n"
      "board-a : { hardware-compatibility : [ \"a1\" ]; };\n"
      "board-b : { hardware-compatibility : [ \"b1\", \"a1\" ]; }; };\n");
  REQUIRE(boards.has_value());
  CHECK(boards->name == "two boards");
  CHECK(boards->hardware == std::vector<std::string>{"a1", "b1"});
}

TEST_CASE("a sw-description that lacks something or includes a file is refused", "[swu]") {
  for (const char* bad : {"", "software = {", "other = { version = \"1\"; };",
                          "software = { hardware-compatibility = [ \"1.0\" ]; };",
                          "software = { version = \"1.0\"; };",
                          "@include \"/etc/passwd\"\nsoftware = { version = \"1\"; };"}) {
    CAPTURE(bad);
    CHECK_FALSE(cli::parse_sw_description(bad).has_value());
  }
}

TEST_CASE("only a signature by a trusted signer over exactly this description is taken", "[swu]") {
  const ota::test::TempFolder folder;
  const auto trusted = folder.path() / "trusted-signers";
  const auto reason = [&](const std::string& text, const std::string& signature) {
    const auto verified = cli::verify_swu_signature(text, signature, trusted);
    return verified ? "signed by " + *verified : verified.error().context;
  };
  const auto holds = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const Signer signer("release team");
  const std::string good = signer.sign(kDescription);
  holds(reason(kDescription, good), "no signer is trusted");
  signer.trust_in(trusted);
  CHECK(reason(kDescription, good) == "signed by release team");
  holds(reason(kDescription, ""), "not signed");
  holds(reason(kDescription, "nonsense"), "no CMS signature");
  holds(reason(kDescription + " ", good), "does not fit");
  holds(reason(kDescription, Signer("stranger").sign(kDescription)), "\"stranger\"");
  const Signer server("web server", "serverAuth");
  server.trust_in(trusted);
  holds(reason(kDescription, server.sign(kDescription)), "neither for e-mail nor for code signing");
  const Signer code("builder", "codeSigning");
  code.trust_in(trusted);
  CHECK(reason(kDescription, code.sign(kDescription)) == "signed by builder");
  std::ofstream(trusted / "broken.pem") << "no certificate";
  holds(reason(kDescription, good), "holds no PEM certificate");
}
