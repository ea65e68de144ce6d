// SPDX-License-Identifier: Apache-2.0

extension LineRules {
    /// Every problem of one line (without its line break), and its parts; `number` is the physical line, 1-based.
    package func check(_ line: UnsafeRawBufferPointer, number: Int, memo: inout LineMemo) -> CheckedLine {
        var checked = CheckedLine()
        guard line.count <= lineBytesMax else {
            checked.problems = [tooLong(line.count, number: number)]
            return checked
        }
        let request: RequestLine
        do throws(RequestLineFault) {
            request = try RequestLine.parse(line, depthMax: depthMax, otherKeysMax: otherKeysMax)
        } catch {
            checked.problems = [Self.notARequest(error, number: number)]
            return checked
        }
        var view = LineView(
            bytes: line, number: number, request: request,
            keys: requiresMethodAndURL ? "custom_id, method, url and body" : "custom_id and body")
        checkKeys(&view)
        checked.customID = checkCustomID(&view)
        if readsTarget {
            checkMethod(&view)
            checked.endpoint = checkURL(&view)
        }
        if checkBody(&view) {
            if readsTarget { checked.model = checkModel(&view, &memo) }
            if checked.model == Endpoint.testModel { checkTestModel(&view, endpoint: checked.endpoint) }
            checkStream(&view)
            checked.thinks = checkThinking(&view)
            checkRequiredField(&view, endpoint: checked.endpoint)
            checkOtherFields(&view, endpoint: checked.endpoint)
        }
        checked.request = request
        checked.problems = view.problems
        return checked
    }

    /// The problem of a line that is longer than allowed. `count` is its length in bytes.
    func tooLong(_ count: Int, number: Int) -> LineProblem {
        LineProblem(
            .lineTooLong, line: number,
            "Line \(number) is \(LineProblem.shown(count)) bytes long; a line may have at most "
                + "\(LineProblem.shown(lineBytesMax)). "
                + "Shorten the request, or link large content instead of embedding it."
        )
    }

    /// The problem of a line that is no JSON object.
    private static func notARequest(_ fault: RequestLineFault, number: Int) -> LineProblem {
        switch fault {
        case .notJSON(let fault):
            LineProblem(
                .invalidJSONLine, line: number,
                "Line \(number) is not valid JSON: \(fault). Every line must be one complete JSON object in UTF-8.")
        case .notObject(let kind):
            LineProblem(
                .invalidJSONLine, line: number,
                "Line \(number) is \(kind.shown), not a JSON object. Put one request object on each line.")
        }
    }

    /// Keys given twice, and more keys than can be compared.
    private func checkKeys(_ view: inout LineView) {
        for key in view.request.duplicateKeys {
            view.report(
                .invalidRequest, key,
                "has the key \(LineProblem.shown(key)) twice, which is ambiguous. Keep one of them.")
        }
        if view.request.hasTooManyKeys {
            view.report(
                .invalidRequest, nil,
                "has more than \(otherKeysMax) keys that are unknown here. Put the fields of the request into 'body'.")
        }
    }

    /// `custom_id`: a non-empty string of limited length.
    private func checkCustomID(_ view: inout LineView) -> CustomID? {
        guard let token = view.string(view.request.customID, "custom_id", isRequired: true) else { return nil }
        let unescaped = token.hasEscapes ? JSONText.unescaped(view.raw(token)) : nil
        let count = unescaped?.count ?? token.range.count - 2
        guard count > 0 else {
            view.report(.invalidRequest, "custom_id", "has an empty 'custom_id'. Give every line a text of its own.")
            return nil
        }
        let bytesMax = min(customIDBytesMax, Self.customIDBytesCeiling)
        guard count <= bytesMax else {
            view.report(
                .invalidRequest, "custom_id",
                "has a 'custom_id' of \(LineProblem.shown(count)) bytes; "
                    + "at most \(LineProblem.shown(bytesMax)) are allowed. "
                    + "Use a shorter one.")
            return nil
        }
        if let charactersMax = customIDCharactersMax {
            let characters = (JSONText.string(view.raw(token)) ?? "").unicodeScalars.count
            guard characters <= charactersMax else {
                view.report(
                    .invalidRequest, "custom_id",
                    "has a 'custom_id' of \(characters) characters; "
                        + "at most \(charactersMax) are allowed. Use a shorter one."
                )
                return nil
            }
        }
        return CustomID(token: token, unescaped: unescaped)
    }

    /// `method`: POST.
    private func checkMethod(_ view: inout LineView) {
        guard let token = view.string(view.request.method, "method", isRequired: requiresMethodAndURL),
            !view.reads(token, "POST")
        else { return }
        view.report(
            .invalidMethod, "method", "has the method \(view.shown(token)); the only one supported is 'POST'.")
    }

    /// `url`: one of the endpoints; its index.
    private func checkURL(_ view: inout LineView) -> Int? {
        guard let token = view.string(view.request.url, "url", isRequired: requiresMethodAndURL) else { return nil }
        if let index = endpoints.firstIndex(where: { view.reads(token, $0) }) { return index }
        if allowsOtherURLs { return nil }
        let wanted =
            endpoints.count == 1
            ? "the batch's endpoint is \(endpoints.map(LineProblem.shown)[0])"
            : "this batch allows \(endpoints.map(LineProblem.shown).joined(separator: ", "))"
        view.report(
            .invalidURL, "url",
            "has the url \(view.shown(token)), but \(wanted). Correct the line, or create a batch for that endpoint.")
        return nil
    }

    /// `body`: an object; true when it is.
    private func checkBody(_ view: inout LineView) -> Bool {
        guard let body = view.request.body else {
            view.missing("body")
            return false
        }
        guard body.kind == .object else {
            view.report(.invalidRequest, "body", "has a 'body' that is \(body.kind.shown). It must be a JSON object.")
            return false
        }
        return true
    }

    /// `body.model`: a non-empty string that names a known model; the model.
    private func checkModel(_ view: inout LineView, _ memo: inout LineMemo) -> String? {
        let param = "body.model"
        guard let token = view.request.model else {
            if requiresModel {
                view.report(.invalidRequest, param, "has no 'model' in its body. The model parameter is required.")
            }
            return nil
        }
        guard token.kind == .string else {
            view.report(
                .invalidRequest, param, "has a 'body.model' that is \(token.kind.shown). It must be a string.")
            return nil
        }
        let raw = view.raw(token)
        if memo.model?.token.elementsEqual(raw) != true {
            let text = JSONText.string(raw) ?? ""
            // No server has a model of such a name, and PostgreSQL stores no NUL.
            let isPlausible = !text.isEmpty && text.utf8.count <= Self.modelBytesMax && !text.utf8.contains(0)
            memo.model = (Array(raw), text, isPlausible && knowsModel(text))
        }
        guard let (_, model, isKnown) = memo.model else { return nil }
        if model.isEmpty {
            view.report(.invalidRequest, param, "has an empty 'body.model'. The model parameter is required.")
            return nil
        }
        if !isKnown {
            view.report(
                .modelNotFound, param,
                "asks for the model \(LineProblem.shown(model)), which does not exist here. "
                    + "List the models with GET /v1/models.")
        }
        return model
    }

    /// The test model is no backend's: lines that name it go to its own endpoint, or nowhere. A line without a url of
    /// its own goes to the only endpoint.
    private func checkTestModel(_ view: inout LineView, endpoint: Int?) {
        let url: String
        if let index = endpoint ?? (requiresMethodAndURL || endpoints.count != 1 ? nil : 0) {
            url = LineProblem.shown(endpoints[index])
        } else if allowsOtherURLs, let token = view.request.url, token.kind == .string {
            guard !view.reads(token, Endpoint.test.rawValue) else { return }
            url = view.shown(token)
        } else {
            return
        }
        guard url != LineProblem.shown(Endpoint.test.rawValue) else { return }
        view.report(
            .modelNotFound, "body.model",
            "asks for the model \(LineProblem.shown(Endpoint.testModel)), which answers only "
                + "\(Endpoint.test.rawValue), not \(url). Name another model, or send the line there.")
    }

    /// `body.stream`: absent, null or a boolean, and not true unless allowed.
    private func checkStream(_ view: inout LineView) {
        guard let token = view.request.stream, token.kind != .null, token.kind != .false else { return }
        if token.kind != .true {
            view.report(
                .invalidRequest, "body.stream", "has a 'body.stream' that is \(token.kind.shown). It must be a boolean."
            )
        } else if !allowsStream {
            view.report(
                .streamingUnsupported, "body.stream",
                "asks for streaming, which a batch does not support. Remove 'stream' or set it to false.")
        }
    }

    /// `body.enable_thinking`: absent, null or a boolean; whether it is true.
    private func checkThinking(_ view: inout LineView) -> Bool? {
        guard requiresOneThinkingMode else { return nil }
        guard let token = view.request.thinking, token.kind != .null else { return false }
        guard token.kind == .true || token.kind == .false else {
            view.report(
                .invalidRequest, "body.enable_thinking",
                "has a 'body.enable_thinking' that is \(token.kind.shown). It must be a boolean.")
            return nil
        }
        return token.kind == .true
    }

    /// The field the endpoint cannot do without. A line without a url of its own is judged by the only endpoint.
    private func checkRequiredField(_ view: inout LineView, endpoint: Int?) {
        guard let index = endpoint ?? (endpoints.count == 1 ? 0 : nil),
            let field = Self.requiredField(of: endpoints[index])
        else { return }
        let token =
            switch field {
            case "messages": view.request.messages
            case "prompt": view.request.prompt
            default: view.request.input
            }
        guard let token, token.kind != .null else {
            view.report(
                .invalidRequest, "body.\(field)",
                "has no '\(field)' in its body. The \(field) parameter is required for \(endpoints[index]).")
            return
        }
        if field == "messages", token.kind != .array {
            view.report(
                .invalidRequest, "body.messages",
                "has a 'body.messages' that is \(token.kind.shown). It must be an array.")
        }
    }
}
