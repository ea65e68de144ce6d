// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import BatchInference

@Suite struct AudioLineTests {
    private func fault(_ body: String) -> AudioLine.Fault? {
        do throws(AudioLine.Fault) {
            _ = try AudioLine(Array(body.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func `fields become what a client library sends`() throws {
        let body = #"""
            {"model":"w","file_url":"https://h/a.wav","language":"\u00e4","temperature":1.50,"stream":false,
             "timestamp_granularities":["word","segment"],"prompt":null,"chunking":{"type": "x"},"n":[1e-7]}
            """#
        let line = try AudioLine(Array(body.utf8))
        #expect(line.source == .url("https://h/a.wav"))
        let shown = line.fields.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        #expect(
            shown == [
                "model=w", "language=ä", "temperature=1.50", "stream=false", "timestamp_granularities[]=word",
                "timestamp_granularities[]=segment", #"chunking={"type": "x"}"#, "n[]=1e-7",
            ])
    }

    @Test(arguments: [
        (#"{"model":"w"}"#, "file_url is missing"), (#"{"file_url":"https://h/a","file":"x"}"#, "body.file is not"),
        (#"{"file_url":7}"#, "a number"), (#"{"file_url":"ftp://h/a"}"#, "must begin"),
        (#"{"file_url":"file:///etc/passwd"}"#, "must begin"),
        (#"{"file_url":"data:audio/wav;base64,!!"}"#, "no valid"),
        (#"{"file_url":"data:nothing"}"#, "no valid"), ("[]", "file_url is missing"), ("{", "no JSON"),
    ]) func `a line without a usable file says so`(body: String, part: String) {
        let found = fault(body)
        #expect(found?.code == "invalid_request")
        #expect(found?.message.contains(part) == true, "\(String(describing: found))")
    }

    @Test(arguments: [
        ("", ""), ("TQ==", "M"), ("TQ", "M"), ("TWE=", "Ma"), ("TWFu", "Man"), ("TWFuTWFuTQ==", "ManManM"),
    ]) func `base64 with and without padding`(text: String, plain: String) {
        #expect(DataURL.base64(Array(text.utf8)[...]) == Array(plain.utf8))
    }

    @Test(arguments: ["T", "TQ=", "TQ===", "T Q=", "TW=u", "TWF*"]) func `what is no base64 is refused`(text: String) {
        // One sign of padding in place of two is what some programs write.
        #expect(DataURL.base64(Array(text.utf8)[...]) == (text == "TQ=" ? Array("M".utf8) : nil))
    }

    @Test func `every byte survives base64`() throws {
        let all = (0..<256).map { UInt8($0) }
        let text =
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BB"
            + "QkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKD"
            + "hIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TF"
            + "xsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w=="
        #expect(DataURL.base64(Array(text.utf8)[...]) == all)
    }

    @Test func `a data URL may be percent-encoded and carry parameters`() throws {
        let plain = try #require(DataURL(Array("data:audio/x;charset=utf-8,a%20%ff".utf8)))
        #expect(plain.bytes == [0x61, 0x20, 0xFF] && plain.type == "audio/x")
        let based = try #require(DataURL(Array("data:;x=y;BASE64,TWFu".utf8)))
        #expect(based.bytes == Array("Man".utf8) && based.type.isEmpty)
        #expect(DataURL(Array("data:,%2".utf8)) == nil)
    }

    @Test(arguments: [
        ("https://h/dir/a%20b.mp3?x=/y.wav", "", "a b.mp3"), ("https://h", "audio/mpeg", "audio.mp3"),
        ("https://h/", "audio/wav", "audio.wav"), ("https://h?x=/y", "audio/flac; q=1", "audio"),
        ("https://h/..%2f..%2fetc%0d", "", "....etc"), ("https://h/%22q%22.ogg", "", "\"q\".ogg"),
    ]) func `a file is called like the end of its path`(url: String, type: String, name: String) {
        #expect(AudioFileName.of(url: url, type: type) == name)
    }

    @Test(arguments: [
        ("audio/wav", "audio/wav"), ("audio/mpeg; x=1", "audio/mpeg"), ("", "application/octet-stream"),
        ("a b\r\nX: y", "application/octet-stream"), ("audio/\"x", "application/octet-stream"),
    ]) func `a media type that is odd is not passed on`(text: String, type: String) {
        #expect(AudioFileName.type(text) == type)
    }

    @Test func `a form holds the fields, then the file, and names cannot break out of their quotes`() {
        let form = AudioForm.bytes(
            [(name: "a\"\r\nb", value: Array("1".utf8))], file: [0, 13, 10, 255], name: "x\".wav", type: "audio/wav")
        let mark = "--\(AudioForm.boundary)"
        let head =
            "\(mark)\r\nContent-Disposition: form-data; name=\"a%22%0D%0Ab\"\r\n\r\n1\r\n"
            + "\(mark)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x%22.wav\"\r\n"
            + "Content-Type: audio/wav\r\n\r\n"
        #expect(form == Array(head.utf8) + [0, 13, 10, 255] + Array("\r\n\(mark)--\r\n".utf8))
    }

    @Test func `who asks for room gets that of files that have waited too long`() throws {
        let budget = FileBudget(AudioRules(fileBytesMax: 40, heldBytesMax: 100))
        let now = ContinuousClock.now
        let uploads = try (0..<2).map { _ in LineUpload([1], hold: try #require(budget.take(40, at: now))) }
        budget.keep(uploads[0], at: now)
        budget.keep(uploads[1], at: now + .seconds(5))
        #expect(!budget.hasRoom(at: now + .seconds(9)))
        #expect(budget.hasRoom(at: now + .seconds(11)) && budget.bytesTaken == 40)
        #expect(uploads[0].take() == nil && uploads[1].take() != nil)
    }

    @Test func `the budget holds, gives back, and lets old files go for new ones`() throws {
        let budget = FileBudget(AudioRules(fileBytesMax: 40, heldBytesMax: 100))
        let now = ContinuousClock.now
        var first = budget.take(40, at: now)
        #expect(first != nil)
        let second = try #require(budget.take(40, at: now))
        #expect(!budget.hasRoom(at: now) && budget.take(40, at: now) == nil && budget.bytesTaken == 80)
        second.shrink(to: 10)
        #expect(budget.hasRoom(at: now) && budget.bytesTaken == 50)
        let waiting = LineUpload([1, 2], hold: try #require(budget.take(40, at: now)))
        budget.keep(waiting, at: now)
        let sending = LineUpload([3], hold: try #require(budget.take(10, at: now)))
        let form = sending.take()
        budget.keep(sending, at: now)
        #expect(form?.form == [3])
        #expect(budget.take(40, at: now + .seconds(9)) == nil && !budget.makeRoom(at: now + .seconds(9)))
        let late = budget.take(40, at: now + .seconds(11))
        #expect(late != nil && waiting.take() == nil && sending.take() != nil)
        first = nil
        #expect(first == nil && budget.bytesTaken == 60)
    }
}
