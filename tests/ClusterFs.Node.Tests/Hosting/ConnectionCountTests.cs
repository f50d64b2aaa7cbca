using System.Net;
using ClusterFs.Node.Hosting;

namespace ClusterFs.Node.Tests.Hosting;

public sealed class ConnectionCountTests
{
    private static readonly IPAddress One = IPAddress.Parse("10.0.0.1");
    private static readonly IPAddress Other = IPAddress.Parse("10.0.0.2");

    [Fact]
    public void One_address_does_not_take_all()
    {
        var open = new ConnectionCount(max: 4, maxOfOne: 2);

        Assert.True(open.TryAdd(One) && open.TryAdd(One));
        Assert.False(open.TryAdd(One));
        Assert.True(open.TryAdd(Other));
        open.Remove(One);
        Assert.True(open.TryAdd(One));
    }

    [Fact]
    public void All_together_have_a_limit_too()
    {
        var open = new ConnectionCount(max: 3, maxOfOne: 2);
        Assert.True(open.TryAdd(One) && open.TryAdd(One) && open.TryAdd(Other));

        Assert.False(open.TryAdd(IPAddress.Loopback));
        open.Remove(Other);
        Assert.True(open.TryAdd(IPAddress.Loopback));
    }
}
