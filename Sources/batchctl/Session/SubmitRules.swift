// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import BatchClient
internal import BatchCore

/// What can be told about a submission before anything is sent. Pure.
enum SubmitRules {
    /// Limits of labels. (contracts: OpenAI batch create request)
    private static let labelsMax = 16
    private static let labelNameMax = 64
    private static let labelValueMax = 512

    /// Throws unless `text` has the form of a completion window; its range is the server's business.
    static func checkWindow(_ text: String) throws {
        guard CompletionWindow(text, range: 1...Int64.max) != nil else {
            throw ValidationError("--window must be a number of hours or days, such as 24h or 7d, not \"\(text)\"")
        }
    }

    /// Whether a text is an address of a file elsewhere and no path.
    static func isAddress(_ text: String) -> Bool {
        ["http://", "https://", "oss:", "s3://", "tos://"].contains { text.lowercased().hasPrefix($0) }
    }

    /// Throws unless each address can be one for its use.
    static func checkAddresses(input: String?, output: String?, errorsOutput: String?) throws {
        if errorsOutput != nil, output == nil {
            throw ValidationError("--errors-output needs --output with an address, not a path")
        }
        for (text, name) in [(input, "FILE"), (output, "--output"), (errorsOutput, "--errors-output")] {
            guard let text else { continue }
            let address = try address(text, name)
            guard case .object(let object) = address, object.isPrefix != (name != "FILE") else { continue }
            throw ValidationError(
                name == "FILE"
                    ? "\(object) names no object: write the key of the file after the bucket"
                    : "\(name) must end with \"/\": the results are written under \(object)/")
        }
    }

    private static func address(_ text: String, _ name: String) throws -> ObjectAddress {
        do throws(ObjectAddressProblem) {
            return try ObjectAddress(text)
        } catch {
            throw ValidationError("the address of \(name) \(error.message)")
        }
    }

    /// The labels from `key=value` texts and the name; a key may occur once.
    static func labels(_ texts: [String], name: String?) throws -> [BatchOrder.Label] {
        var labels: [BatchOrder.Label] = []
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw ValidationError("--metadata must be written as key=value, not \"\(text)\"")
            }
            labels.append(.init(String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        if let name { labels.append(.init("ds_name", name)) }
        guard labels.count <= labelsMax else {
            throw ValidationError("a batch has at most \(labelsMax) labels, --name included; these are \(labels.count)")
        }
        var seen: Set<String> = []
        for label in labels {
            guard seen.insert(label.name).inserted else {
                throw ValidationError("the label \"\(label.name)\" is given twice")
            }
            guard label.name.count <= labelNameMax, label.value.count <= labelValueMax else {
                throw ValidationError(
                    "the label \"\(label.name)\" is too long: a key has at most \(labelNameMax) characters, "
                        + "a value at most \(labelValueMax)")
            }
        }
        return labels
    }

    /// The endpoint of a batch whose lines name several paths. (contracts: vLLM run-batch, mixed urls)
    static let mixed = EndpointList.mixed

    /// Refuses an endpoint that is neither a path nor `*`.
    static func checkEndpoint(_ endpoint: String) throws {
        guard endpoint.hasPrefix("/") || endpoint == mixed else {
            throw ValidationError(
                "--endpoint must be a path such as /v1/chat/completions, or * where each line names its own, "
                    + "not \"\(endpoint)\"")
        }
    }

    /// What is told of a file whose lines name several paths.
    static func notice(_ first: String, _ other: (url: String, line: Int), path: String) -> String {
        "\(path) names several paths (\(first), and in line \(other.line) \(other.url)): the batch gets the endpoint "
            + "\"\(mixed)\", where each line goes to its own"
    }

    /// The endpoint of the batch: the option, or else what the first line names; throws where they differ.
    static func endpoint(option: String?, firstLine: FirstLine, path: String) throws(ClientError) -> String {
        switch (option, firstLine) {
        case (_, .isMissing(let why)):
            throw .localFile("\(path) \(why): there is nothing to submit")
        case (let option?, .names(let url, let line)) where option != url && option != mixed:
            throw .localFile(
                "line \(line) of \(path) names \(url), but --endpoint is \(option): all lines must name the endpoint, "
                    + "unless that is \"\(mixed)\"")
        case (let option?, _):
            return option
        case (nil, .names(let url, _)):
            return url
        case (nil, .namesNothing(let line, let why)):
            throw .localFile(
                "line \(line) of \(path) \(why): give --endpoint, or find out more with batchctl validate \(path)")
        }
    }
}
