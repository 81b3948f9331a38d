// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the benchmark needs of the kernel, below /proc/sluice_bench: the host's account of
 * CPU time (user-mode Linux only), the bare rate of an AEAD, and a cipher that does nothing,
 * with which only the work around it is left. For benchmarks; never load it elsewhere.
 */
#include <crypto/aead.h>
#include <crypto/internal/aead.h>
#include <crypto/scatterwalk.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define RECORD	16384
#define TAG	16
/* A record, shifted by a page at most; the header at its end. */
#define ROOM	(2 * RECORD)

static struct proc_dir_entry *dir;

/* --- the host's account --- */

#ifdef CONFIG_UML
#include <linux/sched/mm.h>
#include <asm/mmu.h>
#include <os.h>

static int host_read(const char *path, char *buf, int size)
{
	int fd = os_open_file(path, of_read(OPENFLAGS()), 0);
	int n;

	if (fd < 0)
		return fd;
	n = os_read_file(fd, buf, size - 1);
	os_close_file(fd);
	if (n >= 0)
		buf[n] = 0;
	return n < 0 ? n : 0;
}

/* proc(5): utime and stime are the 12th and 13th fields behind the name. */
static int host_show(struct seq_file *m, const char *process)
{
	unsigned long user, system;
	char path[40], buf[512];
	char *p;
	u64 ns;
	int ret;

	snprintf(path, sizeof(path), "/proc/%s/schedstat", process);
	ret = host_read(path, buf, sizeof(buf));
	if (ret || sscanf(buf, "%llu", &ns) != 1)
		return ret ?: -EIO;
	snprintf(path, sizeof(path), "/proc/%s/stat", process);
	ret = host_read(path, buf, sizeof(buf));
	p = ret ? NULL : strrchr(buf, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			 &user, &system) != 2)
		return ret ?: -EIO;
	seq_printf(m, "%llu %lu %lu\n", ns, user, system);
	return 0;
}

static int host_cpu_show(struct seq_file *m, void *v)
{
	char process[16];

	snprintf(process, sizeof(process), "%d", current->mm->context.id.pid);
	/* The processor that this runs on may be a thread among others. */
	return host_show(m, "thread-self") ?: host_show(m, process);
}

static bool host_create(void)
{
	return proc_create_single("host_cpu", 0444, dir, host_cpu_show);
}
#else
static bool host_create(void)
{
	return true;
}
#endif

/* --- the bare AEAD --- */

struct aead_job {
	char name[32];
	char op[8];
	unsigned int key_len;
	unsigned int records;
	unsigned int from;
	unsigned int to;
	struct crypto_aead *tfm;
	struct aead_request *req;
	u8 *buf;
	u8 *out;
};

/* A tag that does not fit takes as long as one that does. */
static int job_loop(struct aead_job *job)
{
	bool seal = !strcmp(job->op, "encrypt");
	u8 iv[16] = { 0 };
	struct scatterlist sg[2], out[2];
	DECLARE_CRYPTO_WAIT(wait);
	unsigned int i;
	int ret;

	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], job->buf + ROOM - 64, 5);
	sg_set_buf(&sg[1], job->buf + job->from, RECORD + TAG);
	sg_init_table(out, 2);
	sg_set_buf(&out[0], job->buf + ROOM - 64, 5);
	sg_set_buf(&out[1], job->out + job->to, RECORD + TAG);
	aead_request_set_callback(job->req, CRYPTO_TFM_REQ_MAY_SLEEP, crypto_req_done, &wait);
	aead_request_set_ad(job->req, 5);
	for (i = 0; i < job->records; i++) {
		aead_request_set_crypt(job->req, sg, job->to == job->from ? sg : out,
				       seal ? RECORD : RECORD + TAG, iv);
		ret = crypto_wait_req(seal ? crypto_aead_encrypt(job->req) :
					     crypto_aead_decrypt(job->req), &wait);
		if (ret && ret != -EBADMSG)
			return ret;
		cond_resched();
	}
	return 0;
}

static int job_run(struct aead_job *job)
{
	static const u8 key[32] = { 1 };
	int ret = -ENOMEM;

	job->tfm = crypto_alloc_aead(job->name, 0, 0);
	if (IS_ERR(job->tfm))
		return PTR_ERR(job->tfm);
	job->req = aead_request_alloc(job->tfm, GFP_KERNEL);
	job->buf = (u8 *)__get_free_pages(GFP_KERNEL, get_order(ROOM));
	job->out = (u8 *)__get_free_pages(GFP_KERNEL, get_order(ROOM));
	if (job->req && job->buf && job->out)
		ret = crypto_aead_setkey(job->tfm, key, job->key_len) ?: job_loop(job);
	free_pages((unsigned long)job->buf, get_order(ROOM));
	free_pages((unsigned long)job->out, get_order(ROOM));
	aead_request_free(job->req);
	crypto_free_aead(job->tfm);
	return ret;
}

/* "encrypt|decrypt ALGORITHM KEY_LEN RECORDS FROM TO": returns when it is done. FROM and TO:
 * how far behind a page's start, 4 KiB at most; the same: in place.
 */
static ssize_t aead_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct aead_job job = { };
	char line[80];
	int ret;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, len))
		return -EFAULT;
	line[len] = 0;
	if (sscanf(line, "%7s %31s %u %u %u %u", job.op, job.name, &job.key_len, &job.records, &job.from, &job.to) != 6 ||
	    job.key_len > 32 || job.from > 4096 || job.to > 4096)
		return -EINVAL;
	ret = job_run(&job);
	return ret ?: len;
}

static const struct proc_ops aead_ops = {
	.proc_write	= aead_write,
};

/* --- no cipher --- */

static int null_setkey(struct crypto_aead *tfm, const u8 *key, unsigned int len)
{
	return 0;
}

static int null_setauthsize(struct crypto_aead *tfm, unsigned int size)
{
	return size == TAG ? 0 : -EINVAL;
}

/* Only the last byte goes over: in TLS 1.3 the record's type. */
static int null_crypt(struct aead_request *req, unsigned int len)
{
	unsigned int last = req->assoclen + len - 1;
	u8 type;

	if (req->src == req->dst || !len)
		return 0;
	scatterwalk_map_and_copy(&type, req->src, last, 1, 0);
	scatterwalk_map_and_copy(&type, req->dst, last, 1, 1);
	return 0;
}

static int null_encrypt(struct aead_request *req)
{
	return null_crypt(req, req->cryptlen);
}

static int null_decrypt(struct aead_request *req)
{
	return null_crypt(req, req->cryptlen - TAG);
}

static struct aead_alg null_alg = {
	.setkey		= null_setkey,
	.setauthsize	= null_setauthsize,
	.encrypt	= null_encrypt,
	.decrypt	= null_decrypt,
	.ivsize		= 12,
	.maxauthsize	= TAG,
	.base = {
		.cra_name	 = "gcm(aes)",
		.cra_driver_name = "gcm-sluice-bench-null",
		.cra_blocksize	 = 1,
		.cra_module	 = THIS_MODULE,
	},
};

/* The cipher that new keys get while there is none: held, so that it is there. */
static struct crypto_aead *real;
static DEFINE_MUTEX(null_lock);

static int null_register(void)
{
	struct crypto_aead *tfm;
	int ret;

	if (real)
		return 0;
	tfm = crypto_alloc_aead("gcm(aes)", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	ret = crypto_register_aead(&null_alg);
	if (ret)
		crypto_free_aead(tfm);
	else
		real = tfm;
	return ret;
}

static void null_unregister(void)
{
	if (!real)
		return;
	crypto_unregister_aead(&null_alg);
	crypto_free_aead(real);
}

/* "1": new keys of AES-GCM get no cipher; "0": they do. Those that have none may still be in
 * use, so it stays registered, behind all others.
 */
static ssize_t null_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	bool want;
	int ret = kstrtobool_from_user(from, len, &want);

	if (ret)
		return ret;
	mutex_lock(&null_lock);
	ret = null_register();
	if (!ret)
		WRITE_ONCE(null_alg.base.cra_priority, want ? 100000 : 0);
	mutex_unlock(&null_lock);
	return ret ?: len;
}

static const struct proc_ops null_ops = {
	.proc_write	= null_write,
};

static int __init bench_init(void)
{
	dir = proc_mkdir("sluice_bench", NULL);
	if (!dir)
		return -ENOMEM;
	if (!host_create() || !proc_create("aead", 0200, dir, &aead_ops) ||
	    !proc_create("null_cipher", 0200, dir, &null_ops)) {
		proc_remove(dir);
		return -ENOMEM;
	}
	return 0;
}

static void __exit bench_exit(void)
{
	proc_remove(dir);
	null_unregister();
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Sluice: what its benchmark needs of the kernel");
MODULE_LICENSE("GPL");
