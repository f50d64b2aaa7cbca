using ClusterFs.Api;

namespace ClusterFs.Node.Api;

/// <summary>Why something was not done, as HTTP says it.</summary>
internal sealed record Problem(int Status, ApiError Error)
{
    public static Problem Of(int status, string error, string? hint) => new(status, new ApiError(error, hint));
}

/// <summary>A value, or why there is none.</summary>
internal readonly record struct Answer<T>(T? Value, Problem? Problem)
    where T : class
{
    public static implicit operator Answer<T>(T value) => new(value, null);

    public static implicit operator Answer<T>(Problem problem) => new(null, problem);
}
