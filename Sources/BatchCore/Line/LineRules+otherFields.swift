// SPDX-License-Identifier: Apache-2.0

extension LineRules {
    /// Fields that only some endpoints know; the body is looked at once more for those alone. What a score needs
    /// differs between the versions of servers, so it is left to them. (contracts: vLLM run-batch)
    func checkOtherFields(_ view: inout LineView, endpoint: Int?) {
        guard let index = endpoint ?? (endpoints.count == 1 ? 0 : nil), let body = view.request.body else { return }
        let path = endpoints[index]
        if Endpoint.isSpeech(path) {
            checkFile(&view, body, path)
        } else if path.hasSuffix("/rerank") {
            for field in ["query", "documents"] as [StaticString] where Self.field(field, of: body, view) == nil {
                view.report(
                    .invalidRequest, "body.\(field)",
                    "has no '\(field)' in its body. The \(field) parameter is required for \(path).")
            }
        }
    }

    private func checkFile(_ view: inout LineView, _ body: JSONToken, _ path: String) {
        if Self.field("file", of: body, view) != nil {
            view.report(
                .invalidRequest, "body.file",
                "has a 'file' in its body, which a batch cannot send. Name the file with 'file_url'.")
        }
        guard let token = Self.field("file_url", of: body, view), token.kind != .null else {
            view.report(
                .invalidRequest, "body.file_url",
                "has no 'file_url' in its body. The file_url parameter is required for \(path): an http or data URL.")
            return
        }
        let isURL = ["http://", "https://", "data:"].contains { scheme in
            guard token.kind == .string, let text = JSONText.unescaped(view.raw(token)) else { return false }
            return String(decoding: text.prefix(8), as: UTF8.self).lowercased().hasPrefix(scheme)
        }
        if !isURL {
            view.report(
                .invalidRequest, "body.file_url",
                "has a 'file_url' that begins with none of http://, https:// and data:.")
        }
    }

    /// A member of the body; nil when there is none.
    private static func field(_ name: StaticString, of body: JSONToken, _ view: LineView) -> JSONToken? {
        var found: JSONToken?
        // The tokens lie in the body, whose own place in the line is added.
        var scanner = JSONScanner(view.raw(body), depthMax: .max)
        do throws(JSONFault) {
            try scanner.start()
            try scanner.members { (scanner: inout JSONScanner, key: JSONToken) throws(JSONFault) in
                let isWanted = found == nil && scanner.reads(key, name)
                let value = try scanner.value()
                guard isWanted else { return }
                let start = body.range.lowerBound
                found = JSONToken(
                    kind: value.kind, range: (value.range.lowerBound + start)..<(value.range.upperBound + start),
                    hasEscapes: value.hasEscapes)
            }
        } catch {
            return nil
        }
        return found
    }
}
