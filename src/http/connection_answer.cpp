// From an answer to bytes on the socket: what a connection does while it writes (connection.h).

#include <algorithm>
#include <utility>

#include "http/connection.h"
#include "http/file_send.h"
#include "http/range.h"

namespace ota::http {
namespace {

// Up to here a body goes out in one piece with its head, in one TLS record.
constexpr std::size_t kSmallBody = 12 * 1024;
// What one connection writes before others get their turn.
constexpr std::size_t kFairBytes = 128 * 1024;

bool has_body(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void Connection::count(unsigned status) {
  if (status == 429) Counters::add(thread_.counters().limited);
  if (status >= 500) {
    Counters::add(thread_.counters().errors_5xx);
  } else if (status >= 400) {
    Counters::add(thread_.counters().errors_4xx);
  }
}

void Connection::begin_answer(Response response) {
  if (thread_.shared().draining.load(std::memory_order_relaxed)) after_ = After::kClose;
  exchange_.reset();
  if (response.file) {
    begin_file(std::move(response));
    return;
  }
  count(response.status);
  const std::size_t length = response.body.size();
  if (head_only_ || !has_body(response.status) || length <= kSmallBody) {
    std::string& buffer = thread_.write_buffer();
    buffer.clear();
    append_head(buffer, response, length, thread_.date(), after_);
    if (!head_only_ && has_body(response.status)) buffer += response.body;
    send_now(buffer);
    return;
  }
  std::string& head = thread_.write_buffer();
  head.clear();
  append_head(head, response, length, thread_.date(), after_);
  out_ = std::move(response.body);
  out_.insert(0, head);
  out_at_ = 0;
  phase_ = Phase::kWriting;
  set_deadline(thread_.limits().body_timeout);
}

// Most answers fit into the socket's buffer: nothing is kept then.
void Connection::send_now(std::string_view bytes) {
  phase_ = Phase::kWriting;
  std::size_t put = 0;
  const auto outcome = tls_.write(bytes, put);
  if (outcome == TlsStream::Outcome::kDone) return;
  if (outcome == TlsStream::Outcome::kClosed || outcome == TlsStream::Outcome::kFailed) {
    close();
    return;
  }
  out_.assign(bytes.substr(put));
  out_at_ = 0;
  set_deadline(thread_.limits().body_timeout);
}

Connection::Step Connection::write_step() {
  if (out_at_ < out_.size()) {
    std::size_t put = 0;
    const auto outcome = tls_.write(std::string_view(out_).substr(out_at_, kFairBytes), put);
    out_at_ += put;
    // A piece that came from the disk was counted into the offset when it was taken over.
    if (file_ && file_->piece_goes_out)
      file_->tell(file_->offset - (out_.size() - out_at_) - put, put);
    if (put > 0) set_deadline(thread_.limits().body_timeout);
    return piece_written(outcome);
  }
  if (file_ && file_->remaining > 0) {
    if (std::exchange(has_turn_, false)) return write_file_piece();
    thread_.clear_deadline(*this);  // it is not the client that is waited for
    thread_.queue_turn(shared_from_this());
    return Step::kWait;
  }
  finish_answer();
  return Step::kGoOn;
}

void Connection::take_turn() {
  if (phase_ != Phase::kWriting) return;
  has_turn_ = true;
  set_deadline(thread_.limits().body_timeout);
  advance();
}

// After a piece of a longer answer: others first, then the next one.
Connection::Step Connection::piece_written(TlsStream::Outcome outcome) {
  if (outcome != TlsStream::Outcome::kDone) return await(outcome);
  if (out_at_ >= out_.size()) return Step::kGoOn;
  yield();
  return Step::kWait;
}

void Connection::count_download(std::size_t bytes) {
  if (bytes == 0) return;
  const std::uint64_t rate = thread_.limits().download_kib_per_second * std::uint64_t{1024};
  thread_.shared().downloads.sent(std::chrono::steady_clock::now(), bytes, rate);
}

Connection::Step Connection::write_file_piece() {
  const auto buffer = thread_.file_buffer();
  const auto wanted = static_cast<std::size_t>(
      std::min<std::uint64_t>(file_->remaining, std::min(buffer.size(), kFairBytes)));
  const auto got =
      read_at(file_->file.descriptor.get(), file_->offset, buffer.first(wanted), MayBlock::kNo);
  // A part in memory is as good as none: OpenSSL wants at least what it was given before.
  if (!got || *got < wanted) {
    fetch_piece();
    return Step::kWait;
  }
  // What the socket does not take is read again: cheaper than a copy for each slow client.
  std::size_t put = 0;
  const auto outcome = tls_.write({buffer.data(), wanted}, put);
  file_->tell(file_->offset, put);
  file_->offset += put;
  file_->remaining -= put;
  count_download(put);
  if (put > 0) set_deadline(thread_.limits().body_timeout);
  return piece_written(outcome);
}

// The disk is asked for it, on a thread that may wait.
void Connection::fetch_piece() {
  phase_ = Phase::kFile;
  set_deadline(thread_.limits().body_timeout);
  thread_.shared().files.post([file = file_, weak = weak_from_this(), number = request_number_,
                               mailbox = thread_.mailbox()] {
    file->piece.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(file->remaining, kFairBytes)));
    std::size_t have = 0;
    while (have < file->piece.size()) {
      const auto got =
          read_at(file->file.descriptor.get(), file->offset + have,
                  {file->piece.data() + have, file->piece.size() - have}, MayBlock::kYes);
      if (!got || *got == 0) break;
      have += *got;
    }
    file->piece.resize(have == file->piece.size() ? have : 0);
    mailbox->post([file, weak, number] {
      const auto self = weak.lock();
      if (!self || self->phase_ != Phase::kFile || self->request_number_ != number) return;
      if (file->piece.empty()) {  // shorter than it was, or unreadable: the length is promised
        self->close();
        return;
      }
      self->out_ = std::exchange(file->piece, {});
      self->out_at_ = 0;
      file->piece_goes_out = true;
      file->offset += self->out_.size();
      file->remaining -= self->out_.size();
      self->count_download(self->out_.size());
      self->phase_ = Phase::kWriting;
      self->advance();
    });
  });
}

void Connection::begin_file(Response response) {
  phase_ = Phase::kFile;
  set_deadline(thread_.limits().body_timeout);
  auto file = std::make_shared<FileSend>();
  thread_.shared().files.post([file, response = std::move(response), weak = weak_from_this(),
                               number = request_number_, mailbox = thread_.mailbox()] {
    Result<void> result;
    if (auto opened = open_file(response.file->folder, response.file->path)) {
      file->file = std::move(*opened);
    } else {
      result = opened.error();
    }
    mailbox->post([file, response, result, weak, number] {
      const auto self = weak.lock();
      if (!self || self->phase_ != Phase::kFile || self->request_number_ != number) return;
      self->file_opened(file, response, result);
      self->advance();
    });
  });
}

void Connection::file_opened(std::shared_ptr<FileSend> file, Response response,
                             const Result<void>& opened) {
  const FileBody body = std::move(*response.file);
  response.file.reset();
  if (!opened) {
    const bool missing = opened.error().code == Errc::kNotFound;
    begin_answer(missing ? Response::problem(404, "not-found", "there is no such file")
                         : Response::problem(500, "unreadable", "the file cannot be read"));
    return;
  }
  const std::uint64_t size = file->file.size;
  const FileWish wish = wish_ ? *wish_ : FileWish{};
  response.content_type = body.content_type;
  if (!body.etag.empty()) response.headers.emplace_back("ETag", body.etag);
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (matches_etag(wish.if_none_match, body.etag)) {
    response.status = 304;
    send_head(response, 0);
    return;
  }
  // RFC 9110 section 13.1.5: a range of another version of the file is of no use.
  const bool same = wish.if_range.empty() || wish.if_range == body.etag;
  const RangeChoice choice = choose_range(same ? wish.range : std::string_view(), size);
  if (choice.kind == RangeChoice::Kind::kUnsatisfiable) {
    Response refused = Response::problem(416, "bad-range", "the file is shorter than that");
    refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    begin_answer(std::move(refused));
    return;
  }
  if (choice.kind == RangeChoice::Kind::kPart) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(choice.first) + "-" +
                                      std::to_string(choice.first + choice.length - 1) + "/" +
                                      std::to_string(size));
  }
  if (!head_only_) {
    file->offset = choice.first;
    file->remaining = choice.length;
    file->watch = body.watch;
    file_ = std::move(file);
  }
  send_head(response, choice.length);
}

void Connection::send_head(const Response& response, std::uint64_t length) {
  std::string& buffer = thread_.write_buffer();
  buffer.clear();
  append_head(buffer, response, length, thread_.date(), after_);
  send_now(buffer);
}

void Connection::finish_answer() {
  out_at_ = 0;
  if (out_.capacity() > sizeof(std::string)) out_ = std::string();
  file_.reset();
  wish_.reset();
  needs_more_ = false;
  if (after_ == After::kClose) {
    begin_linger();
    return;
  }
  phase_ = Phase::kReading;
  set_deadline(thread_.limits().idle_timeout);
}

}  // namespace ota::http
