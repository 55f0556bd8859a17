# SPDX-License-Identifier: MIT
"""train_bench.py jess|sasnet BATCH [STEPS]: the step of train_bench.c in PyTorch, channels_last, in f32 or
under bf16 autocast (PRECISION=bf16), on a GPU (DEVICE=cuda); the networks of the papers, written as the textbooks of PyTorch do.

Prints milliseconds (median), processor seconds and the peak memory of the process."""
import math
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def conv3(cin, cout, dilation=1):
    return nn.Conv2d(cin, cout, 3, padding=dilation, dilation=dilation)


# ---- JESS-Net ----

def cbr(cin, cout, dilation=1):
    return nn.Sequential(conv3(cin, cout, dilation), nn.BatchNorm2d(cout), nn.ReLU(inplace=True))


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.body = nn.Sequential(*(cbr(dim, dim, d) for d in (1, 2, 3)))

    def forward(self, x):
        return x + self.body(x)


class Jess(nn.Module):
    def __init__(self, dim=64, blocks=20, smooth=3, refine=6):
        super().__init__()
        self.descriptor = nn.Sequential(conv3(3, dim), *(Block(dim) for _ in range(blocks)))
        self.edge = nn.Sequential(cbr(dim, dim), cbr(dim, dim), conv3(dim, 1))
        self.smooth = nn.Sequential(cbr(dim + 1, dim), *(Block(dim) for _ in range(smooth)),
                                    cbr(dim, dim), conv3(dim, 3))
        self.refine = nn.Sequential(cbr(dim + 4, dim), *(Block(dim) for _ in range(refine)), conv3(dim, 3))

    def forward(self, x):
        f = self.descriptor(x)
        edge = self.edge(f)
        fe = torch.cat((f, edge), 1)
        s0 = self.smooth(fe)
        return edge, s0, s0 + self.refine(torch.cat((fe, s0), 1))


def ssim(x, y):
    g = torch.tensor([math.exp(-(k - 5) ** 2 / 4.5) for k in range(11)])
    g = g / g.sum()
    rows, columns = g.view(1, 1, 1, 11).repeat(3, 1, 1, 1), g.view(1, 1, 11, 1).repeat(3, 1, 1, 1)

    def blur(t):
        return F.conv2d(F.conv2d(t, rows, padding=(0, 5), groups=3), columns, padding=(5, 0), groups=3)

    mx, my = blur(x), blur(y)
    vx, vy, cxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    return ((2 * mx * my + c1) * (2 * cxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean()


def ms_ssim(x, y):
    total = 4 - ssim(x, y)
    for _ in range(3):
        x, y = F.max_pool2d(x, 2), F.max_pool2d(y, 2)
        total = total - ssim(x, y)
    return total


def edge_bce(z, label):
    share = label.mean()
    weight = label * (1 - share) + (1 - label) * share
    return (weight * (F.softplus(z) - label * z)).sum()


def jess_loss(net, x, truth, edge, autocast):
    with autocast:
        z, s0, s1 = net(x)
    z, s0, s1 = z.float(), s0.float(), s1.float()
    return (F.l1_loss(s0, truth) + F.l1_loss(s1, truth) + 0.1 * (ms_ssim(s0, truth) + ms_ssim(s1, truth))
            + 1e-3 * edge_bce(z, edge))


# ---- SASNet ----

def haar(x):
    p, q, r, s = x[:, :, 0::2, 0::2], x[:, :, 0::2, 1::2], x[:, :, 1::2, 0::2], x[:, :, 1::2, 1::2]
    return torch.cat([p + q + r + s, p - q + r - s, p + q - r - s, p - q - r + s], 1) / 4


def haar_inverse(a):
    ll, lh, hl, hh = a.chunk(4, 1)
    rows = torch.stack((torch.stack((ll + lh + hl + hh, ll - lh + hl - hh), -1),
                        torch.stack((ll + lh - hl - hh, ll - lh - hl + hh), -1)), 3)
    return rows.flatten(4).flatten(2, 3)


class G(nn.Module):
    def __init__(self, cin, cout, w=64):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv3(cin, w), conv3(w, w), conv3(cin + w, cout)
        self.fc1, self.fc2 = nn.Linear(w, w // 16), nn.Linear(w // 16, w)
        self.gate = nn.Conv2d(2, 1, 7, padding=3)
        for conv, gain in ((self.conv1, 0.1), (self.conv2, 0.1), (self.conv3, 0)):
            nn.init.xavier_normal_(conv.weight, gain)
            nn.init.zeros_(conv.bias)

    def mlp(self, v):
        return self.fc2(F.relu(self.fc1(v)))

    def forward(self, x):
        r = self.conv2(F.leaky_relu(self.conv1(x), 0.2, inplace=True))
        r = r * torch.sigmoid(self.mlp(r.mean((2, 3))) + self.mlp(r.amax((2, 3))))[:, :, None, None]
        m = self.gate(torch.cat([r.amax(1, keepdim=True), r.mean(1, keepdim=True)], 1))
        return self.conv3(torch.cat([x, r * torch.sigmoid(m)], 1))


class Aib(nn.Module):
    def __init__(self):
        super().__init__()
        self.g1, self.g2, self.g3 = G(9, 3), G(3, 9), G(3, 9)

    def forward(self, a1, a2):
        a1 = a1 + self.g1(a2).float()
        return a1, a2 * torch.exp(torch.tanh(self.g2(a1).float() / 2)) + self.g3(a1).float()

    def inverse(self, a1, a2):
        a2 = (a2 - self.g3(a1).float()) * torch.exp(-torch.tanh(self.g2(a1).float() / 2))
        return a1 - self.g1(a2).float(), a2


class Sasnet(nn.Module):
    def __init__(self, blocks=16):
        super().__init__()
        self.blocks = nn.ModuleList(Aib() for _ in range(blocks))

    def forward(self, x):
        a = haar(x).contiguous(memory_format=torch.channels_last)
        a1, a2 = a[:, :3], a[:, 3:]
        for block in self.blocks:
            a1, a2 = block(a1, a2)
        a2 = torch.zeros_like(a2)
        for block in reversed(self.blocks):
            a1, a2 = block.inverse(a1, a2)
        return haar_inverse(torch.cat([a1, a2], 1))


def sasnet_loss(net, x, truth, edge, autocast):
    with autocast:
        y = net(x)
    return F.l1_loss(y, truth)


def main():
    name, batch = sys.argv[1], int(sys.argv[2])
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    bf16 = os.environ.get("PRECISION") == "bf16"
    device = os.environ.get("DEVICE", "cpu")
    torch.set_num_threads(int(os.environ.get("THREADS", len(os.sched_getaffinity(0)))))
    torch.manual_seed(1)
    net, loss_of = (Jess(), jess_loss) if name == "jess" else (Sasnet(), sasnet_loss)
    net = net.to(device, memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), 1e-4, fused=True)
    x, truth = (
        torch.rand(batch, 3, 128, 128).to(device).contiguous(memory_format=torch.channels_last) for _ in range(2)
    )
    edge = (torch.rand(batch, 1, 128, 128) < 0.05).float().to(device)

    def step():
        adam.zero_grad(set_to_none=True)
        loss = loss_of(net, x, truth, edge, torch.autocast(device, torch.bfloat16, enabled=bf16))
        loss.backward()
        adam.step()
        return loss.item()

    step()
    wall, cpu = [], time.process_time()
    for _ in range(steps):
        start = time.perf_counter()
        loss = step()
        wall.append(1e3 * (time.perf_counter() - start))
    cpu = (time.process_time() - cpu) / steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"PyTorch {torch.__version__} {'bf16' if bf16 else 'f32'} {statistics.median(wall):.1f} ms, "
          f"at best {min(wall):.1f} ms, {cpu:.2f} processor seconds, peak {peak:.0f} MB, loss {loss:.6g}")


main()
