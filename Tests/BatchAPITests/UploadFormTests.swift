// SPDX-License-Identifier: Apache-2.0
import BatchCore
import Testing

@testable import BatchAPI

private typealias Field = (name: String, filename: String?, text: String)

private func submit(_ fields: [Field]) throws -> (fields: UploadForm.Fields, file: [UInt8]) {
    var form = UploadForm()
    var file: [UInt8] = []
    for field in fields {
        try form.take(.partBegin(PartHeader(name: field.name, filename: field.filename))) { _ in }
        try Array(field.text.utf8).withUnsafeBytes { bytes in
            try form.take(.partBytes(bytes)) { file.append(contentsOf: $0) }
        }
        try form.take(.partEnd) { _ in }
    }
    try form.take(.finished) { _ in }
    return (try form.finish(), file)
}

private let file: Field = ("file", "a.jsonl", "{}")
private let purpose: Field = ("purpose", nil, "batch")

@Suite struct `Upload forms` {
    @Test func `do not care for the order of their parts`() throws {
        let expiry: [Field] = [("expires_after[seconds]", nil, "3600"), ("expires_after[anchor]", nil, "created_at")]
        for fields in [[file, purpose] + expiry, expiry + [purpose, file], expiry + [file, purpose]] {
            let found = try submit(fields)
            #expect(found.fields == .init(purpose: .batch, filename: "a.jsonl", expiresAfterSeconds: 3_600))
            #expect(found.file == Array("{}".utf8))
        }
    }

    @Test func `take an expiry in dotted form and as JSON`() throws {
        let dotted: [Field] = [("expires_after.anchor", nil, "created_at"), ("expires_after.seconds", nil, "2592000")]
        #expect(try submit([file, purpose] + dotted).fields.expiresAfterSeconds == 2_592_000)
        let json: Field = ("expires_after", nil, #"{"anchor":"created_at","seconds":7200}"#)
        #expect(try submit([file, purpose, json]).fields.expiresAfterSeconds == 7_200)
        #expect(try submit([file, purpose]).fields.expiresAfterSeconds == nil)
    }

    @Test func `give a file without a name a name`() throws {
        #expect(try submit([("file", nil, "{}"), purpose]).fields.filename == "unknown_file")
    }

    @Test(
        arguments: [
            ([purpose], "file"), ([file], "purpose"), ([], "file"), ([file, file, purpose], "file"),
            ([file, purpose, purpose], "purpose"), ([file, ("purpose", nil, "batch_output")], "purpose"),
            ([file, ("purpose", nil, "nonsense")], "purpose"), ([file, ("purpose", nil, "a\0")], "purpose"),
            ([file, purpose, ("color", nil, "red")], "color"),
            ([file, purpose, ("expires_after[seconds]", nil, "3600")], "expires_after[anchor]"),
            ([file, purpose, ("expires_after[anchor]", nil, "created_at")], "expires_after[seconds]"),
            ([file, purpose, ("expires_after[seconds]", nil, "3599")], "expires_after[seconds]"),
            ([file, purpose, ("expires_after[seconds]", nil, "2592001")], "expires_after[seconds]"),
            ([file, purpose, ("expires_after[seconds]", nil, "1e4")], "expires_after[seconds]"),
            ([file, purpose, ("expires_after[anchor]", nil, "now")], "expires_after[anchor]"),
            ([file, purpose, ("expires_after", nil, "soon")], nil),
            ([file, ("purpose", nil, String(repeating: "b", count: 5_000))], "purpose"),
            ([("file", String(repeating: "x", count: 4_097), "{}"), purpose], "file"),
        ] as [([(String, String?, String)], String?)])
    func `that are wrong are refused with the field's name`(fields: [(String, String?, String)], param: String?) throws
    {
        let error = try #require(throws: BatchError.self) { try submit(fields.map { ($0.0, $0.1, $0.2) }) }
        #expect(error.status == 400)
        #expect(error.param == param)
    }
}
