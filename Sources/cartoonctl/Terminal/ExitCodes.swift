import TransferLearning

/// The exit codes of findings that are no errors.
enum ExitCode {
    /// `evaluate --assert_accuracy` measured less; no other failure uses this code.
    static let accuracyBelowDemand: Int32 = 40
}

extension TransferLearningError {
    /// The exit code of the command line, by which scripts distinguish errors; `CommandLine.md` lists them.
    var exitCode: Int32 {
        switch self {
        case .option: 2
        case .dataset(.noFolder), .dataset(.notAFolder), .dataset(.noBottleneckTree): 10
        case .dataset(.noClasses), .dataset(.nestedTooDeep): 11
        case .dataset(.oneClass): 12
        case .dataset(.noReadablePictures): 13
        case .dataset(.sameLabel): 14
        case .dataset(.tooFewPictures), .dataset(.onlyCopies), .dataset(.noTrainingPictures): 15
        case .unreadable: 16
        case .network(.missing): 20
        case .network(.notAGraph): 21
        case .network(.damaged): 22
        case .network(.unsupported): 23
        case .network(.noSuchTensor): 24
        case .network(.description): 25
        case .network(.notFinite): 28
        case .network(.noDownload): 26
        case .network(.wrongDownload): 27
        case .file(let error, _) where error.isDiskFull: 31
        case .output(let error, _) where error.isDiskFull: 31
        case .output: 30
        case .cache: 32
        case .file, .systemLimit: 33
        case .stalePlan: 42
        case .interrupted, .downloadInterrupted: 130
        case .internalFailure: 70
        }
    }
}
